"""Flows shrunk to a gravity model are nearer to the truth, also where the model is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.models.gravity import distances_m, fit_gravity, positive_mean, shrink_flows
from pipelines.models.integers import fit_total

ZONES = 60


def _world(seed: int, *, spread: float, zones: int = ZONES) -> tuple[np.ndarray, np.ndarray]:
    """Return true flows (row = origin) and distances: gravity times a heavy-tailed factor."""
    rng = np.random.default_rng(seed)
    apart = distances_m(rng.uniform(37.0, 37.5, zones), rng.uniform(127.0, 127.5, zones))
    size = rng.lognormal(0.0, 1.0, zones)
    mean = size[:, None] * size * np.maximum(apart, 300.0) ** -1.4
    mean *= rng.lognormal(0.0, spread, (zones, zones))
    np.fill_diagonal(mean, 0.0)
    return rng.poisson(mean * 80_000 / mean.sum()).astype(float), apart


def _noisy(flows: np.ndarray, sd: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    measured = ~np.eye(len(flows), dtype=bool)
    noise = np.round(np.random.default_rng(seed).normal(0.0, sd, flows.shape))
    return np.where(measured, flows + noise, 0.0), measured


def _rmse(found: np.ndarray, truth: np.ndarray, measured: np.ndarray) -> float:
    return float(np.sqrt(np.mean((found - truth)[measured] ** 2)))


@pytest.mark.parametrize("spread", [0.0, 0.6, 1.2])
@pytest.mark.parametrize("sd", [4.0, 16.0])
def test_shrinking_beats_noise_clipping_and_thresholds(spread: float, sd: float) -> None:
    truth, apart = _world(1, spread=spread)
    flows, measured = _noisy(truth, sd, 2)
    mean, _, _ = shrink_flows(flows, sd=sd, measured=measured, distance_m=apart)
    ours = _rmse(mean, truth, measured)
    assert ours < 0.95 * _rmse(flows, truth, measured)
    assert ours < 0.95 * _rmse(np.clip(flows, 0.0, None), truth, measured)
    assert ours < 0.98 * _rmse(np.where(flows > 3 * sd, flows, 0.0), truth, measured)


def test_a_few_flows_far_from_the_model_stay_where_they_are() -> None:
    """A factory town: one flow a thousand times its gravity; one loose prior would free all."""
    truth, apart = _world(3, spread=0.2)
    near = int(np.argmin(truth.sum(axis=0)))
    truth[5, near] = 4_000.0
    flows, measured = _noisy(truth, 10.0, 4)
    mean, sd, _ = shrink_flows(flows, sd=10.0, measured=measured, distance_m=apart)
    assert abs(mean[5, near] - 4_000.0) < 40.0
    assert sd[5, near] == pytest.approx(10.0, rel=0.05)
    assert np.median(sd[measured]) < 5.0


def test_the_posterior_covers_what_the_model_leaves_open() -> None:
    truth, apart = _world(5, spread=0.5)
    flows, measured = _noisy(truth, 8.0, 6)
    mean, sd, _ = shrink_flows(flows, sd=8.0, measured=measured, distance_m=apart)
    inside = np.abs(mean - truth) <= 1.96 * sd
    assert inside[measured].mean() > 0.88


def test_structural_zeros_stay_zero_and_margins_are_kept() -> None:
    truth, apart = _world(7, spread=0.3)
    flows, measured = _noisy(truth, 3.0, 8)
    model = fit_gravity(flows, sd=3.0, measured=measured, distance_m=apart)
    assert (np.diag(model.mean) == 0.0).all()
    clear = flows.sum(axis=1) > 200
    assert model.mean.sum(axis=1)[clear] == pytest.approx(flows.sum(axis=1)[clear], rel=0.03)
    assert model.beta > 0.0


def test_without_distances_the_margins_alone_still_help() -> None:
    truth, _ = _world(9, spread=0.5)
    flows, measured = _noisy(truth, 16.0, 10)
    mean, _, model = shrink_flows(flows, sd=16.0, measured=measured, distance_m=None)
    assert model.form == "margins"
    assert _rmse(mean, truth, measured) < 0.7 * _rmse(flows, truth, measured)


@pytest.mark.parametrize("level", [0.0, -400.0])
def test_a_matrix_that_is_all_noise_is_survived(level: float) -> None:
    flows, measured = _noisy(np.full((12, 12), level), 50.0, 11)
    np.fill_diagonal(flows, 0.0)
    apart = distances_m(np.linspace(37, 38, 12), np.full(12, 127.0))
    mean, sd, _ = shrink_flows(flows, sd=50.0, measured=measured, distance_m=apart)
    assert np.isfinite(mean).all()
    assert np.isfinite(sd).all()
    assert np.abs(fit_total(mean[measured], 0.0)).sum() == 0.0


def test_the_mean_of_a_positive_normal_number() -> None:
    found = positive_mean(np.array([0.0, 100.0, -3.0]), np.ones(3))
    draws = np.random.default_rng(1).normal(-3.0, 1.0, 4_000_000)
    assert found[0] == pytest.approx((2 / np.pi) ** 0.5)
    assert found[1] == pytest.approx(100.0)
    assert found[2] == pytest.approx(draws[draws > 0].mean(), rel=0.03)


def test_a_degree_of_latitude_is_111_kilometres() -> None:
    apart = distances_m(np.array([37.0, 38.0]), np.array([127.0, 127.0]))
    assert apart[0, 1] == pytest.approx(111_195, rel=1e-3)
    assert apart[0, 0] == 0.0
