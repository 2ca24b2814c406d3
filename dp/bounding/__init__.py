"""Contribution bounding: rules that make one person count for at most so much."""

from __future__ import annotations

from dp.bounding.rule import Rule

__all__ = ["Rule"]
