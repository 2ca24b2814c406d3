"""Flows shrunk to a gravity model are nearer to the truth, also where the model is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.models.draws import plausible_counts
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
    known, _ = shrink_flows(flows, sd=sd, measured=measured, distance_m=apart)
    ours = _rmse(known.mean, truth, measured)
    assert ours < 0.95 * _rmse(flows, truth, measured)
    assert ours < 0.95 * _rmse(np.clip(flows, 0.0, None), truth, measured)
    assert ours < 0.98 * _rmse(np.where(flows > 3 * sd, flows, 0.0), truth, measured)


def test_a_few_flows_far_from_the_model_stay_where_they_are() -> None:
    """A factory town: one flow a thousand times its gravity; one loose prior would free all."""
    truth, apart = _world(3, spread=0.2)
    near = int(np.argmin(truth.sum(axis=0)))
    truth[5, near] = 4_000.0
    flows, measured = _noisy(truth, 10.0, 4)
    known, _ = shrink_flows(flows, sd=10.0, measured=measured, distance_m=apart)
    assert abs(known.mean[5, near] - 4_000.0) < 40.0
    assert known.sd[5, near] == pytest.approx(10.0, rel=0.05)
    assert np.median(known.sd[measured]) < 5.0


@pytest.mark.parametrize("sd", [4.0, 16.0, 50.0])
@pytest.mark.parametrize(("spread", "empty"), [(0.0, 0.0), (0.8, 0.0), (0.8, 0.5), (1.2, 0.8)])
def test_intervals_and_draws_hold_what_they_say_also_where_most_flows_are_0(
    spread: float, empty: float, sd: float
) -> None:
    """Nominal 95%. A count's interval holds a little more than it says: ends are whole numbers."""
    truth, apart = _world(5, spread=spread)
    truth *= np.random.default_rng(1).random(truth.shape) >= empty
    flows, measured = _noisy(truth, sd, 6)
    known, _ = shrink_flows(flows, sd=sd, measured=measured, distance_m=apart)
    inside = (known.lo <= truth) & (truth <= known.hi)
    rng = np.random.default_rng(7)
    cells = known.at(measured)
    drawn = [plausible_counts(cells.mean, cells.sd, cells.zero, rng=rng) for _ in range(150)]
    low, high = np.quantile(np.array(drawn), [0.025, 0.975], axis=0)
    likely = (low <= truth[measured]) & (truth[measured] <= high)
    print(f"held {inside[measured].mean():.3f}, by draws {likely.mean():.3f}")
    assert 0.945 < inside[measured].mean() < 0.99
    assert 0.93 < likely.mean() < 0.99
    some = measured & (truth > 0)  # few of many: what is rare is not what is expected
    assert inside[some].mean() > (0.78 if empty > 0.5 else 0.9)
    assert np.mean(truth[measured] > known.hi[measured]) < 0.05
    assert np.mean(truth[measured] < known.lo[measured]) < 0.035
    clear = measured & (truth > 20 * sd)
    if clear.sum() > 10:
        assert (known.hi - known.lo)[clear] == pytest.approx(2 * 1.96 * sd, rel=0.25)


def test_cells_that_are_more_likely_empty_are_empty_more_often() -> None:
    """Noise of sd 10 cannot tell 0 from 3 in one cell: only the order is asked for."""
    truth, apart = _world(15, spread=0.8)
    truth *= np.random.default_rng(2).random(truth.shape) >= 0.5
    flows, measured = _noisy(truth, 10.0, 16)
    known, _ = shrink_flows(flows, sd=10.0, measured=measured, distance_m=apart)
    told, empty = known.zero[measured], truth[measured] == 0
    assert told.mean() == pytest.approx(empty.mean(), abs=0.2)
    rare, common = empty[told < 0.2].mean(), empty[told > 0.6].mean()
    assert rare < 0.25
    assert common > 0.6


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
    known, model = shrink_flows(flows, sd=16.0, measured=measured, distance_m=None)
    assert model.form == "margins"
    assert _rmse(known.mean, truth, measured) < 0.7 * _rmse(flows, truth, measured)


@pytest.mark.parametrize("level", [0.0, -400.0])
def test_a_matrix_that_is_all_noise_is_survived(level: float) -> None:
    flows, measured = _noisy(np.full((12, 12), level), 50.0, 11)
    np.fill_diagonal(flows, 0.0)
    apart = distances_m(np.linspace(37, 38, 12), np.full(12, 127.0))
    known, _ = shrink_flows(flows, sd=50.0, measured=measured, distance_m=apart)
    for found in (known.mean, known.sd, known.lo, known.hi, known.zero):
        assert np.isfinite(found).all()
    assert (known.lo <= known.hi).all()
    assert np.abs(fit_total(known.mean[measured], 0.0)).sum() == 0.0


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
