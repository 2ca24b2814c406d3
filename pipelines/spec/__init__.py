"""Specs and policies: TOML in, frozen models out, every fault in one clear line."""

from __future__ import annotations

from pipelines.spec.agree import agree
from pipelines.spec.load import json_schema, load_spec
from pipelines.spec.policy import load_policy, policy_schema
from pipelines.spec.release import ReleaseSpec

__all__ = ["ReleaseSpec", "agree", "json_schema", "load_policy", "load_spec", "policy_schema"]
