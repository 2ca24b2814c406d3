"""Membership tests: the best linear score, its quality, its cap, and what breaks the cap."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from dp.audits.membership import (
    auc,
    auc_cap,
    certified_auc_cap,
    clustered,
    hits_at,
    hits_cap,
    likelihood_weights,
    logistic,
)


def test_the_weights_solve_the_covariance_that_is_never_formed() -> None:
    rng = np.random.default_rng(1)
    people, targets = rng.poisson(1, (20, 30)) * 1.0, rng.poisson(1, (3, 30)) * 1.0
    variance = rng.uniform(1, 3, 30)
    weights, offset = likelihood_weights(
        csr_array(targets), csr_array(people), size=50.0, variance=variance
    )
    centred = people - people.mean(axis=0)
    covariance = 50 * centred.T @ centred / 20 + np.diag(variance)
    assert np.allclose(weights, np.linalg.solve(covariance, targets.T).T)
    assert np.allclose(offset, (targets * weights).sum(axis=1) / 2)


def gaussian_scores(mu: float, *, answers: int = 60_000, seed: int = 2) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(0.0, 1.0, answers), rng.normal(mu, 1.0, answers)]


@pytest.mark.parametrize("rho", [0.01, 0.1, 0.5])
def test_the_best_test_reaches_the_gaussian_caps_and_not_the_certified_ones(rho: float) -> None:
    without, given = gaussian_scores((2 * rho) ** 0.5)
    certified, normal = hits_cap(rho)
    assert auc(without, given) == pytest.approx(auc_cap(rho), abs=0.006)
    assert hits_at(without, given) == pytest.approx(normal, abs=0.006)
    assert auc_cap(rho) < certified_auc_cap(rho) < 1.0
    assert normal < certified


def test_half_the_noise_passes_the_cap() -> None:
    without, given = gaussian_scores(2 * 0.2)
    assert auc(without, given) > auc_cap(0.02) + 0.04


def test_the_area_counts_ties_half_and_needs_no_order() -> None:
    assert auc(np.array([1.0, 1.0]), np.array([1.0, 1.0])) == 0.5
    assert auc(np.array([3.0, 1.0]), np.array([2.0, 4.0])) == 0.75


def test_hits_are_counted_above_the_allowed_false_alarms() -> None:
    without = np.arange(1_000.0)
    assert np.mean(without > 989.0) == 0.01
    assert hits_at(without, np.array([989.0, 989.5, 2_000.0])) == pytest.approx(2 / 3)


def test_a_classifier_finds_the_cells_that_tell() -> None:
    rng = np.random.default_rng(3)
    answers = np.repeat([False, True], 400)
    features = rng.normal(0.0, 1.0, (800, 5))
    features[:, 2] += 2.0 * answers
    weights = logistic(features, answers)
    assert np.argmax(np.abs(weights)) == 2
    assert weights[2] == pytest.approx(2.0, abs=0.4)


def test_a_column_that_never_varies_gets_no_weight() -> None:
    features = np.column_stack([np.ones(100), np.arange(100.0)])
    weights = logistic(features, np.arange(100) >= 50)
    assert np.isfinite(weights).all()
    assert weights[0] == 0.0


def test_a_jackknife_of_means_is_the_usual_standard_error() -> None:
    values = np.random.default_rng(4).normal(0.0, 1.0, 50)
    left_out = (values.sum() - values) / 49
    usual = values.std(ddof=1) / 50**0.5
    assert clustered(left_out, float(values.mean())) == pytest.approx(usual)
