"""Unbiased sums of squares and products of noisy counts, the noise's own variance taken off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dp.postprocess.ratios import Estimate, Moments, fieller

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


def mean_crowding(
    counts: NDArray[np.float64], variance: float, fourth: float = 0.0, *, confidence: float = 0.95
) -> Estimate:
    """Return sum n (n - 1) / sum n over the last axis: others in the cell of a random person.

    With r the true ratio, S the sum of X^2 - X - s^2 and N the sum of X, the variance of S - r N
    is s^2 sum (2 n - 1 - r)^2 + cells (2 s^4 + k4). As sum n^2 = (1 + r) sum n, the first part is
    cells s^2 (1 + r)^2: no unknown but r is left. Fieller's set with these moments therefore uses
    the true variance at every r that it tries, not an estimate that moves with S.

    Args:
        counts: Noisy counts with independent noise, shape (..., cells).
        variance: Variance s^2 of the noise in every cell.
        fourth: Its fourth cumulant k4.
        confidence: Between 0 and 1.
    """
    cells = counts.shape[-1]
    own = cells * variance
    total = np.sum(counts, axis=-1)
    return fieller(
        Moments(
            pairs_within(counts, variance, fourth).value,
            np.full(total.shape, own + cells * (2.0 * variance**2 + fourth)),
        ),
        Moments(total, np.full(total.shape, own)),
        covariance=-own,
        confidence=confidence,
    )
