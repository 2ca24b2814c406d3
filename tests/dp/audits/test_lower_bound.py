"""Lower bounds on mu and epsilon, on samples whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from dp.accounting import epsilon
from dp.audits.lower_bound import (
    gaussian_delta,
    gaussian_epsilon,
    gaussian_mu_of,
    lower_bound,
    lower_limit,
    matched_filter,
    upper_limit,
)
from dp.loss import Loss, Rho

DELTA = 1e-6


def samples(mu: float, runs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, 1.0, runs), rng.normal(mu, 1.0, runs)


def bound(mu: float, runs: int, seed: int, confidence: float = 0.95) -> tuple[float, float, float]:
    without, given = samples(mu, runs, seed)
    found = lower_bound(without, given, threshold=mu / 2, delta=DELTA, confidence=confidence)
    return found.mu_lo, found.epsilon_lo, found.pure_epsilon_lo


def test_at_epsilon_1_the_bound_is_near_and_never_above() -> None:
    mu = gaussian_mu_of(1.0, DELTA)
    found = [bound(mu, 100_000, seed, confidence=0.99)[1] for seed in range(20)]
    assert np.median(found) >= 0.93
    assert max(found) <= 1.0


def test_a_limit_is_wrong_no_more_often_than_it_says() -> None:
    passed = [bound(0.4, 800, seed) for seed in range(400)]
    true = gaussian_epsilon(0.4, DELTA)
    for wrong in (
        sum(mu > 0.4 for mu, _, _ in passed),
        sum(pure > true for _, _, pure in passed),
    ):
        assert binom.sf(wrong - 1, 400, 0.05) > 1e-3


@pytest.mark.parametrize("times", [1.5, 2.0])
def test_more_loss_than_claimed_is_seen(times: float) -> None:
    assert all(bound(0.25 * times, 20_000, seed)[0] > 0.25 for seed in range(5))


def test_samples_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="as many runs"):
        lower_bound(np.zeros(3), np.ones(4), threshold=0.5, delta=DELTA, confidence=0.95)


@pytest.mark.parametrize("threshold", [-0.5, 0.2, 0.5, 0.8, 1.5])
def test_a_threshold_off_the_middle_shows_less_and_never_too_much(threshold: float) -> None:
    without, given = samples(1.0, 20_000, 3)
    found = lower_bound(without, given, threshold=threshold, delta=DELTA, confidence=0.999)
    assert found.mu_lo < 1.0


def test_no_difference_is_no_loss() -> None:
    assert all(bound(0.0, 2_000, seed, confidence=0.99)[0] == 0.0 for seed in range(5))


def test_a_statistic_that_always_tells_loses_as_much_as_the_runs_can_show() -> None:
    found = lower_bound(
        np.zeros(1_000), np.ones(1_000), threshold=0.5, delta=DELTA, confidence=0.95
    )
    assert found.mu_lo == pytest.approx(2 * 2.97, abs=0.05)
    assert found.pure_epsilon_lo > 4.0


@pytest.mark.parametrize(("count", "runs"), [(0, 10), (3, 50), (50, 50), (499, 1_000)])
def test_limits_are_those_of_clopper_and_pearson(count: int, runs: int) -> None:
    high, low = upper_limit(count, runs, 0.025), lower_limit(count, runs, 0.025)
    if count < runs:
        assert binom.cdf(count, runs, high) == pytest.approx(0.025)
    if count > 0:
        assert binom.sf(count - 1, runs, low) == pytest.approx(0.025)
    assert low <= count / runs <= high


@pytest.mark.parametrize("mu", [0.05, 0.3, 1.0, 4.0])
def test_epsilon_of_mu_solves_the_curve_and_lies_below_the_certified_one(mu: float) -> None:
    eps = gaussian_epsilon(mu, DELTA)
    assert gaussian_delta(mu, eps) == pytest.approx(DELTA, rel=1e-6)
    assert gaussian_mu_of(eps, DELTA) == pytest.approx(mu, rel=1e-6)
    rho = Rho.of(str(mu * mu / 2))
    assert eps < epsilon(Loss(rho), DELTA)


def test_the_filter_measures_distance_in_noise() -> None:
    weights, mu = matched_filter(np.array([3, 4]), np.array([1.0, 2.0]))
    assert weights.tolist() == [3.0, 1.0]
    assert mu == pytest.approx(13**0.5)
