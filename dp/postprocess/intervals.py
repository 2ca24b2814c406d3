"""Noise intervals for the values of a measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dp.tables import Noisy


def intervals(
    noisy: Noisy, confidence: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return lower and upper ends that hold the bounded total with at least ``confidence``.

    They cover the noise alone: not what bounding cut off, not who is missing from the panel. Each
    cell's interval holds with that probability by itself, not all cells at once. Costs nothing:
    computed from the noisy values and the public law of the noise.

    Args:
        noisy: A measurement.
        confidence: Between 0 and 1.

    Returns:
        (lo, hi), float64 of shape (keys.size,) in released units; may be negative. Both are 0 in
        structural zeros, which are known.

    Raises:
        ValueError: a confidence that is not between 0 and 1.
    """
    half = np.where(noisy.keys.measured, noisy.law.half_width(confidence), 0.0)
    return noisy.values - half, noisy.values + half
