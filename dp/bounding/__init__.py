"""Contribution bounding: rules that make one person count for at most so much."""

from __future__ import annotations

from dp.bounding.inherent import Inherent
from dp.bounding.level_weighting import LevelWeighting
from dp.bounding.rule import Rule
from dp.bounding.sampling import Sampling
from dp.bounding.weighting import Weighting

__all__ = ["Inherent", "LevelWeighting", "Rule", "Sampling", "Weighting"]
