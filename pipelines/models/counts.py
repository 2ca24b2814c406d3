"""Laws of whole numbers from laws of real ones: quantiles by halving, without further libraries."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_A = (0.319381530, -0.356563782, 1.781477937, -1.821255978, 1.330274429)


def normal_cdf(z: Floats) -> Floats:
    """Return the standard normal distribution function, to within 7.5e-8.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, formula 26.2.17.

    >>> normal_cdf(np.array([0.0, 1.959964, -40.0])).round(6).tolist()
    [0.5, 0.975, 0.0]
    """
    away = np.abs(z)
    t = 1.0 / (1.0 + 0.2316419 * away)
    series = t * (_A[0] + t * (_A[1] + t * (_A[2] + t * (_A[3] + t * _A[4]))))
    tail = np.exp(-0.5 * away**2) / np.sqrt(2.0 * np.pi) * series
    return np.asarray(np.where(z >= 0.0, 1.0 - tail, tail))


def count_quantiles(
    cdf: Callable[[Floats], Floats], level: float, *, between: tuple[Floats, Floats]
) -> Floats:
    """Return for each cell the smallest whole number q >= 0 with cdf(q) >= level.

    Args:
        cdf: The chance that each cell's number is at most ``count``, shape (cells,) to (cells,).
        level: Between 0 and 1.
        between: Numbers between which the quantile of each cell lies, shape (cells,).
    """
    low = np.maximum(np.floor(between[0]) - 2.0, -1.0)
    high = np.maximum(np.ceil(between[1]) + 1.0, low + 1.0)
    while np.any(high - low > 1.0):
        middle = np.ceil((low + high) / 2.0)  # high itself, where the two are neighbours already
        enough = cdf(middle) >= level
        low = np.where(enough | (middle == high), low, middle)
        high = np.where(enough, middle, high)
    return high
