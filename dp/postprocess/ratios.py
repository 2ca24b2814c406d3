"""Ratios and products of noisy figures, with intervals that stay honest near a zero denominator."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A figure per cell with its error; every array has one shape.

    Attributes:
        value: The estimate; nan where a ratio has the denominator 0.
        sd: Standard deviation of its noise to first order; inf where the interval is unbounded.
        lo: Lower end of the interval.
        hi: Upper end.
    """

    value: NDArray[np.float64]
    sd: NDArray[np.float64]
    lo: NDArray[np.float64]
    hi: NDArray[np.float64]

    def where(self, taken: NDArray[np.bool_], other: Estimate) -> Estimate:
        """Return this estimate with ``other`` in its place in the cells that are ``taken``."""
        return Estimate(
            np.where(taken, other.value, self.value),
            np.where(taken, other.sd, self.sd),
            np.where(taken, other.lo, self.lo),
            np.where(taken, other.hi, self.hi),
        )

    def times(self, factor: float, plus: float = 0.0) -> Estimate:
        """Return ``factor`` x the figure + ``plus``, both public, factor above 0."""
        return Estimate(
            self.value * factor + plus,
            self.sd * factor,
            self.lo * factor + plus,
            self.hi * factor + plus,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """An unbiased figure with the variance of its noise (estimated where it must be)."""

    value: NDArray[np.float64]
    variance: NDArray[np.float64]

    def normal(self, confidence: float = 0.95) -> Estimate:
        """Return the figure with a normal interval."""
        sd = np.sqrt(self.variance)
        z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
        return Estimate(self.value, sd, self.value - z * sd, self.value + z * sd)


def product(one: Moments, other: Moments) -> Moments:
    """Return the product of two independent figures.

    Var(XY) = x^2 Vy + y^2 Vx + Vx Vy. Put noisy squares for the true ones, take off what they are
    too large by, and the estimate X^2 Vy + Y^2 Vx - Vx Vy is unbiased; it is kept at or above
    Vx Vy, below which the true variance cannot lie.
    """
    both = one.variance * other.variance
    variance = one.value**2 * other.variance + other.value**2 * one.variance - both
    return Moments(one.value * other.value, np.maximum(variance, both))


def fieller(
    top: Moments,
    bottom: Moments,
    *,
    covariance: NDArray[np.float64] | float = 0.0,
    fourth: NDArray[np.float64] | float = 0.0,
    confidence: float = 0.95,
) -> Estimate:
    """Return top / bottom with Fieller's interval.

    The interval is the set of ratios r for which top - r bottom is not further from 0 than z of
    its own standard deviations. For jointly normal figures it covers with exactly the confidence.
    Where bottom itself cannot be told from 0, z^2 Var(bottom) >= bottom^2, that set is not a
    bounded interval: the ends are -inf and inf, and so is the sd. (The exact set may then leave
    out a middle part; the whole line covers more, never less.)

    Source: E. C. Fieller, Some problems in interval estimation, J. R. Stat. Soc. B 16 (1954).

    Args:
        top: Numerators.
        bottom: Denominators.
        covariance: Of the two noises.
        fourth: Fourth cumulant of the noise of top - ratio x bottom, where it is not normal: the
            quantile is then corrected as in ``sums``.
        confidence: Between 0 and 1.
    """
    a, b, va, vb = np.broadcast_arrays(top.value, bottom.value, top.variance, bottom.variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(b != 0, a / b, np.nan)
        variance = np.maximum(va - 2.0 * ratio * covariance + ratio**2 * vb, 0.0)
        z2 = _quantile(variance, fourth, confidence) ** 2
        square = b * b - z2 * vb
        middle = a * b - z2 * covariance
        root = np.sqrt(np.maximum(middle**2 - square * (a * a - z2 * va), 0.0))
        bounded = square > 0
        sd = np.where(bounded, np.sqrt(variance) / np.abs(b), np.inf)
        lo = np.where(bounded, (middle - root) / square, -np.inf)
        hi = np.where(bounded, (middle + root) / square, np.inf)
    return Estimate(ratio, sd, lo, hi)


def share(
    part: Moments,
    whole: Moments,
    *,
    fourth: NDArray[np.float64] | float = 0.0,
    fourth_whole: NDArray[np.float64] | float = 0.0,
    confidence: float = 0.95,
) -> Estimate:
    """Return part / whole, the part being one of the independent terms that make up the whole.

    part - r whole = (1 - r) part - r rest, so its fourth cumulant is (1 - r)^4 k + r^4 (K - k).

    Args:
        part: Numerators.
        whole: The sums that hold them.
        fourth: Fourth cumulants k of the parts' noise.
        fourth_whole: Fourth cumulants K of the sums' noise.
        confidence: Between 0 and 1.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.nan_to_num(part.value / whole.value, posinf=0.0, neginf=0.0)
    both = (1.0 - r) ** 4 * fourth + r**4 * (fourth_whole - fourth)
    return fieller(part, whole, covariance=part.variance, fourth=both, confidence=confidence)


def _quantile(
    variance: NDArray[np.float64], fourth: NDArray[np.float64] | float, confidence: float
) -> NDArray[np.float64]:
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    excess = np.where(variance > 0, fourth / variance**2, 0.0)
    return np.asarray(z + (z**3 - 3.0 * z) * np.nan_to_num(excess) / 24.0, dtype=np.float64)
