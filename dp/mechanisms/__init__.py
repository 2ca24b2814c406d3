"""Noise mechanisms. One file imports opendp."""

from __future__ import annotations

from dp.mechanisms.gaussian import gaussian
from dp.mechanisms.laplace import laplace
from dp.mechanisms.mechanism import Mechanism

__all__ = ["Mechanism", "gaussian", "laplace"]
