"""Unbiased sums of squares and products of noisy counts, the noise's own variance taken off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dp.postprocess.ratios import Moments

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pairs_within(
    counts: NDArray[np.float64],
    variance: NDArray[np.float64] | float,
    fourth: NDArray[np.float64] | float = 0.0,
) -> Moments:
    """Return sum n (n - 1) over the last axis, unbiased, from noisy counts.

    With X = n + e, E[X^2 - X] = n^2 + s^2 - n, so s^2 is taken off in every cell. The variance of
    X^2 - X is (2 n - 1)^2 s^2 + Var(e^2) for symmetric noise, Var(e^2) = 2 s^4 + k4. The estimate
    (2 X - 1)^2 s^2 has the expectation (2 n - 1)^2 s^2 + 4 s^4, so 4 s^4 is taken off again. The
    sum is kept at or above the part that no counts can make smaller.

    Args:
        counts: Noisy counts with independent noise, shape (..., cells).
        variance: Variance s^2 of the noise in every cell of a row, shape (...).
        fourth: Its fourth cumulant k4, shape (...).
    """
    cells = counts.shape[-1]
    value = np.sum(counts**2 - counts, axis=-1) - cells * variance
    slope = np.sum((2.0 * counts - 1.0) ** 2, axis=-1) * variance - 4.0 * cells * variance**2
    return Moments(value, np.maximum(slope, 0.0) + cells * (2.0 * variance**2 + fourth))


def pairs_between(
    counts: NDArray[np.float64], variance: NDArray[np.float64], fourth: NDArray[np.float64]
) -> Moments:
    """Return sum n_a n_b over the last axis for all rows a and b, unbiased.

    The noises of two rows being independent, X_a X_b is unbiased. Its variance, n_a^2 v_b +
    n_b^2 v_a + v_a v_b, is estimated by X_a^2 v_b + X_b^2 v_a - v_a v_b and kept at or above
    v_a v_b, summed over cells. The diagonal is sum n (n - 1) as ``pairs_within`` gives it.

    Args:
        counts: Noisy counts, shape (rows, cells), independent noise.
        variance: Variance of the noise in every cell of a row, shape (rows,).
        fourth: Its fourth cumulant, shape (rows,).

    Returns:
        Two square arrays of shape (rows, rows).
    """
    both = counts.shape[-1] * np.outer(variance, variance)
    cross = np.outer(np.sum(counts**2, axis=-1), variance)
    value = counts @ counts.T
    spread = np.maximum(cross + cross.T - both, both)
    own = pairs_within(counts, variance, fourth)
    np.fill_diagonal(value, own.value)
    np.fill_diagonal(spread, own.variance)
    return Moments(value, spread)


def pairs_and_sum(
    counts: NDArray[np.float64], variance: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """Return the covariance of ``pairs_within`` and the plain sum over the last axis.

    Cov(X^2 - X, X) = (2 n - 1) s^2 for symmetric noise; estimated by putting X for n.
    """
    total: NDArray[np.float64] = np.sum(2.0 * counts - 1.0, axis=-1) * variance
    return total
