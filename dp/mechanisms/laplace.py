"""The discrete Laplace mechanism: pure differential privacy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dp.mechanisms.mechanism import Mechanism, calibrate, positive

if TYPE_CHECKING:
    from dp.bounds import Bounds
    from dp.loss import Rho


def laplace(bounds: Bounds, allotted: Rho, factor: int = 1) -> Mechanism:
    """Return discrete Laplace noise of scale L1 / epsilon, epsilon = sqrt(2 rho).

    Privacy: epsilon-DP, booked as rho = epsilon^2 / 2 with OpenDP's epsilon (``laplace.md``; Ghosh,
    Roughgarden and Sundararajan 2012 for the mechanism, Bun and Steinke 2016, Proposition 1.4).

    Args:
        bounds: Sensitivity in lattice units to one person; ``l1`` counts.
        allotted: rho that may be spent.
        factor: Lattice units in one released unit.

    Raises:
        BoundError: nothing allotted, too much allotted, or 64-bit integers could overflow.
    """
    guess = bounds.l1 / math.sqrt(2 * positive(allotted))
    return calibrate("discrete_laplace", guess, bounds=bounds, allotted=allotted, factor=factor)
