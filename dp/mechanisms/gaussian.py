"""The discrete Gaussian mechanism."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dp.mechanisms.mechanism import Mechanism, calibrate, positive

if TYPE_CHECKING:
    from dp.bounds import Bounds
    from dp.loss import Rho


def gaussian(bounds: Bounds, allotted: Rho, factor: int = 1) -> Mechanism:
    """Return discrete Gaussian noise with sigma = L2 / sqrt(2 rho) that costs at most ``allotted``.

    Privacy: rho-zCDP with rho = L2^2 / (2 sigma^2), rounded up by OpenDP's map (``gaussian.md``;
    Canonne, Kamath and Steinke 2020, arXiv 2004.00010, Theorem 4 and its multivariate form).

    Args:
        bounds: Sensitivity in lattice units to one person; ``l2_squared`` counts.
        allotted: rho that may be spent.
        factor: Lattice units in one released unit.

    Raises:
        BoundError: nothing allotted, too much allotted, or 64-bit integers could overflow.
    """
    guess = bounds.l2 / math.sqrt(2 * positive(allotted))
    return calibrate("discrete_gaussian", guess, bounds=bounds, allotted=allotted, factor=factor)
