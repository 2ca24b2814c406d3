"""Noise mechanisms. One file imports opendp."""

from __future__ import annotations

from dp.mechanisms.gaussian import gaussian
from dp.mechanisms.laplace import laplace
from dp.mechanisms.mechanism import Mechanism
from dp.mechanisms.threshold import Threshold, threshold

__all__ = ["Mechanism", "Threshold", "gaussian", "laplace", "threshold"]
