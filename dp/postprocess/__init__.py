"""What may be computed from noisy tables at no further cost."""

from __future__ import annotations

from dp.postprocess.consistency import Consistent, Tree, consistent
from dp.postprocess.intervals import intervals
from dp.postprocess.levels import Best, Levelled, LevelTree, Single
from dp.postprocess.ratios import Estimate, Moments, fieller, product, share
from dp.postprocess.sums import Sums, covariance, group_sums

__all__ = [
    "Best",
    "Consistent",
    "Estimate",
    "LevelTree",
    "Levelled",
    "Moments",
    "Single",
    "Sums",
    "Tree",
    "consistent",
    "covariance",
    "fieller",
    "group_sums",
    "intervals",
    "product",
    "share",
]
