"""Records of spends, their composition, and conversion to statements about attacks."""

from __future__ import annotations

from dp.accounting.compose import compose, worst_window
from dp.accounting.convert import (
    attack_bound,
    epsilon,
    gaussian_auc,
    gaussian_mu,
    nearly_gaussian,
)
from dp.accounting.events import Spend

__all__ = [
    "Spend",
    "attack_bound",
    "compose",
    "epsilon",
    "gaussian_auc",
    "gaussian_mu",
    "nearly_gaussian",
    "worst_window",
]
