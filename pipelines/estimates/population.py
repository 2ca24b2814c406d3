"""Population estimates: a noisy panel count times a public weight, with every error that is known.

Model. A cell holds N people of the population. Each is in the panel with probability 1/w, on their
own, so the panel count n has mean N/w and the published y = n + noise. Then w y is unbiased for N
and

    Var(w y) = w^2 sd^2 + (w - 1) N d          (N = w y: w (w - 1) max(y, 0) d)

with d = sum of v^2 over sum of v for what one person adds: 1 for 0/1 counts, at most the largest
single contribution otherwise. An error of the weight itself adds y^2 sd_w^2.

What is not covered: *selection*. People in the panel may move unlike the others of their zone; no
weight by zone mends that, and no interval here widens for it.

Source: Sarndal, Swensson and Wretman, Model Assisted Survey Sampling, 1992: Poisson sampling
(result 3.5.1) and the ratio estimator (section 5.6); the score interval is Wilson, JASA 22, 1927.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SELECTION = (
    "selection bias is not covered: people in the panel may move unlike the rest of their zone"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaling:
    """Weights of some cells, each array of shape (cells,).

    Attributes:
        weight: People of the population that one panel person stands for, 1 or more.
        sd_weight: Standard deviation of the weight; for panel weights, of its noise.
        covariance: Covariance of a cell's noise with the noise of the panel count that its weight
            divides by, in released units squared; 0 for public weights.
        share_base: The panel count that the weight divides by where the sampling error of the
            weight cancels part of the cell's (ratio estimator); infinity for public weights.
    """

    weight: Floats
    sd_weight: Floats
    covariance: Floats
    share_base: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimate:
    """Population estimates, each array of shape (cells,), in people (or trips of people).

    ``sd_total^2`` is the sum of the three squares, less twice the covariance of count and weight
    where both hold the same noise.
    """

    value: Floats
    sd_noise: Floats
    sd_sampling: Floats
    sd_weight: Floats
    sd_total: Floats
    lo: Floats
    hi: Floats


def public_scaling(weight: Floats, sd_weight: Floats) -> Scaling:
    """Return the scaling by weights that do not come from the panel's own noisy counts."""
    return Scaling(
        weight=weight,
        sd_weight=sd_weight,
        covariance=np.zeros_like(weight),
        share_base=np.full_like(weight, np.inf),
    )


def estimate(
    values: Floats,
    *,
    sd: Floats,
    scaling: Scaling,
    spread: float = 1.0,
    confidence: float = 0.95,
) -> Estimate:
    """Return population estimates with their errors and a central interval.

    With a panel weight w = P / B (P declared, B noisy) the estimate is the ratio P y / B and the
    delta method gives, with q = y / B,

        w^2 (sd^2 + q^2 sd_B^2 - 2 q Cov(y, B)) + w (w - 1) y (d - q):

    the sampling error of B cancels part of that of y, because who is counted in y is counted in
    B. Valid while sd_B is small against B; the caller falls back where it is not.

    The interval inverts the test that N fits y: the sampling variance is taken at N itself, not at
    the estimate, so that it also holds for small counts. It is not symmetric.

    Args:
        values: Noisy panel counts, shape (cells,).
        sd: Standard deviation of their noise, shape (cells,).
        scaling: The cells' weights.
        spread: d above.
        confidence: Between 0 and 1.
    """
    weight = scaling.weight
    share = values / scaling.share_base
    clean = np.clip(values, 0.0, None)
    sampled = (weight - 1.0) * np.clip(spread - np.clip(share, 0.0, None), 0.0, None)
    noise, weights = (weight * sd) ** 2, (values * scaling.sd_weight) ** 2
    shared = 2.0 * weight**2 * share * scaling.covariance
    fixed = np.clip(noise + weights - shared, 0.0, None)
    value, sampling = weight * values, sampled * weight * clean
    lo, hi = _score(value, fixed=fixed, slope=sampled, confidence=confidence)
    return Estimate(
        value=value,
        sd_noise=np.sqrt(noise),
        sd_sampling=np.sqrt(sampling),
        sd_weight=np.sqrt(weights),
        sd_total=np.sqrt(fixed + sampling),
        lo=lo,
        hi=hi,
    )


def _score(
    value: Floats, *, fixed: Floats, slope: Floats, confidence: float
) -> tuple[Floats, Floats]:
    """Return the least and largest N with (value - N)^2 <= z^2 (fixed + slope max(N, 0))."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    straight = z * np.sqrt(fixed)
    middle = value + 0.5 * z**2 * slope
    inside = z**2 * (fixed + slope * value) + (0.5 * z**2 * slope) ** 2
    root = np.sqrt(np.clip(inside, 0.0, None))
    real = inside >= 0.0
    low, high = middle - root, middle + root
    lo = np.where(real & (low > 0.0), low, value - straight)
    hi = np.where(real & (high > 0.0), high, value + straight)
    return np.minimum(lo, value), np.maximum(hi, value)
