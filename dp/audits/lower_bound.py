"""How much privacy an attack shows to be lost, at least, whatever is claimed.

The attack answers "was the person in?" from one statistic. Its two kinds of errors, counted over
many runs, bound mu of Gaussian DP from below, and epsilon at a delta.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STEPS = 200
_HIGHEST = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerBound:
    """What two samples of a statistic show, at one confidence.

    Attributes:
        false_positives, false_negatives: Shares of wrong answers at the threshold.
        mu: The estimate of mu at the threshold.
        mu_lo: Lower confidence limit of mu: no mechanism of a smaller mu errs so seldom.
        epsilon_lo: The epsilon that mu_lo comes to at the stated delta (Gaussian DP).
        pure_epsilon_lo: Lower confidence limit of epsilon at that delta for any mechanism.
        confidence: Confidence of each of the three limits.
    """

    false_positives: float
    false_negatives: float
    mu: float
    mu_lo: float
    epsilon_lo: float
    pure_epsilon_lo: float
    confidence: float


def lower_bound(
    without: Floats, given: Floats, *, threshold: float, delta: float, confidence: float
) -> LowerBound:
    """Return what the statistic shows about mu and epsilon.

    The threshold must not depend on the samples. Under mu-Gaussian DP errors a and b satisfy
    b >= Phi(Phi^-1(1 - a) - mu) (Dong, Roth and Su 2022, arXiv 1905.02383, Definition 2.6), so that
    the share of right answers over both samples, 1 - (a + b) / 2, is at most Phi(mu / 2), and
    mu >= 2 Phi^-1(share). The share's limit is that of Clopper and Pearson (1934) for all runs
    together: right answers are independent, with one chance in each sample, and beyond its mean
    such a sum has no heavier tail than the binomial of the mean chance (Hoeffding 1956, Ann. Math.
    Stat. 27:713). That is nearer than a limit for each error by itself. Under (epsilon, delta)-DP
    epsilon >= log((1 - delta - b) / a) and the same with a and b exchanged (Kairouz, Oh and
    Viswanath 2015, arXiv 1311.0776, Theorem 2.1; as an audit: Jagielski et al. 2020, arXiv
    2006.07709; Nasr et al. 2023, arXiv 2302.07956). One threshold in the middle is poor for the
    latter, so ``pure_epsilon`` looks at several with its doubt split among them.

    Args:
        without: The statistic without the person, one entry a run; as many runs as ``given``.
        given: The statistic with the person; the larger, the more it speaks for "in".
        threshold: Say "in" at this value or above.
        delta: The delta that epsilon is stated at.
        confidence: Such as 0.95.

    Raises:
        ValueError: the samples differ in size.
    """
    if without.size != given.size:
        raise ValueError(f"as many runs with as without are due, got {given.size}, {without.size}")
    false_alarms, misses = int(np.sum(without >= threshold)), int(np.sum(given < threshold))
    a, b = false_alarms / without.size, misses / given.size
    runs = 2 * without.size
    right_lo = lower_limit(runs - false_alarms - misses, runs, 1.0 - confidence)
    mu_lo = max(0.0, 2.0 * float(ndtri(right_lo)))
    return LowerBound(
        false_positives=a,
        false_negatives=b,
        mu=float(-ndtri(_inner(a, without.size)) - ndtri(_inner(b, given.size))),
        mu_lo=mu_lo,
        epsilon_lo=gaussian_epsilon(mu_lo, delta),
        pure_epsilon_lo=pure_epsilon(without, given, delta=delta, confidence=confidence),
        confidence=confidence,
    )


def pure_epsilon(
    without: Floats, given: Floats, *, delta: float, confidence: float, places: int = 8
) -> float:
    """Return a lower confidence limit of epsilon at ``delta``, whatever the mechanism.

    Thresholds are chosen on the first half of the runs, at ``places`` false positive rates, and
    judged on the second half; the doubt is split over all tests and both directions.
    """
    half_out, half_in = without.size // 2, given.size // 2
    rates = np.geomspace(min(0.5, 50.0 / max(half_out, 100)), 0.5, places)
    cuts = np.unique(
        np.concatenate([_cuts(without[:half_out], rates), _cuts(given[:half_in], rates)])
    )
    doubt = (1.0 - confidence) / (4 * cuts.size)
    out, inside = without[half_out:], given[half_in:]
    best = 0.0
    for cut in cuts:
        false_alarms, hits = int(np.sum(out >= cut)), int(np.sum(inside >= cut))
        best = max(
            best,
            _odds(hits, inside.size, false_alarms, out.size, doubt, delta),
            _odds(out.size - false_alarms, out.size, inside.size - hits, inside.size, doubt, delta),
        )
    return best


def upper_limit(count: int, runs: int, doubt: float) -> float:
    """Return the upper limit of a share at confidence 1 - doubt (Clopper and Pearson 1934)."""
    return 1.0 if count >= runs else float(betaincinv(count + 1, runs - count, 1.0 - doubt))


def lower_limit(count: int, runs: int, doubt: float) -> float:
    """Return the lower limit of a share at confidence 1 - doubt (Clopper and Pearson 1934)."""
    return 0.0 if count <= 0 else float(betaincinv(count, runs - count + 1, doubt))


def gaussian_delta(mu: float, epsilon: float) -> float:
    """Return the least delta of mu-Gaussian DP at epsilon (Balle and Wang 2018, Theorem 8).

    >>> round(gaussian_delta(1.0, 1.0), 4)
    0.1269
    """
    if mu <= 0.0:
        return 0.0
    from scipy.special import log_ndtr

    far = math.exp(epsilon + float(log_ndtr(-mu / 2.0 - epsilon / mu)))
    return max(0.0, float(ndtr(mu / 2.0 - epsilon / mu)) - far)


def gaussian_epsilon(mu: float, delta: float) -> float:
    """Return the least epsilon of mu-Gaussian DP at delta, rounded down; 0 where none is needed.

    >>> round(gaussian_epsilon(0.2367, 1e-6), 2)
    1.0
    """
    low, high = 0.0, _HIGHEST + mu * mu + 10.0 * mu
    if gaussian_delta(mu, low) <= delta:
        return 0.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if gaussian_delta(mu, middle) > delta else (low, middle)
    return low


def gaussian_mu_of(epsilon: float, delta: float) -> float:
    """Return the mu whose exact epsilon at ``delta`` is ``epsilon``: Gaussian noise of this mu.

    >>> round(gaussian_mu_of(gaussian_epsilon(0.3, 1e-6), 1e-6), 6)
    0.3
    """
    low, high = 0.0, _HIGHEST
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if gaussian_delta(middle, epsilon) <= delta else (low, middle)
    return low


def matched_filter(person: NDArray[np.int64], scale: Floats) -> tuple[Floats, float]:
    """Return the weights of the best linear statistic, and mu: the person's distance in noise sds.

    For independent Gaussian noise of standard deviation ``scale`` the statistic w'y with
    w = Sigma^-1 v is the likelihood ratio of "in" against "out"; mu = sqrt(v' Sigma^-1 v).

    Args:
        person: What the person adds to each cell, in lattice units; shape (cells,).
        scale: Noise of each cell in lattice units; shape (cells,), above 0.
    """
    weights = person / np.square(scale)
    return weights, math.sqrt(float(person @ weights))


def _odds(
    hits: int, runs: int, false_alarms: int, out_runs: int, doubt: float, delta: float
) -> float:
    true_lo = lower_limit(hits, runs, doubt) - delta
    return math.log(true_lo / upper_limit(false_alarms, out_runs, doubt)) if true_lo > 0 else 0.0


def _cuts(sample: Floats, rates: Floats) -> Floats:
    found: Floats = np.quantile(sample, np.concatenate([rates, 1.0 - rates]))
    return found


def _inner(share: float, runs: int) -> float:
    return min(max(share, 0.5 / runs), 1.0 - 0.5 / runs)
