"""Population intervals hold the population as often as they say, on simulated panels."""

from __future__ import annotations

import numpy as np
import pytest

from dp.law import NoiseLaw
from pipelines.estimates.panel import mixed_weights, panel_weights
from pipelines.estimates.population import Scaling, estimate, public_scaling

CELLS = 60_000
Z = 1.959964


def _covered(lo: np.ndarray, hi: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean((lo <= truth) & (truth <= hi)))


def _bucheon(rng: np.random.Generator) -> np.ndarray:
    """Residents of dongs as of a city of 850,000 in 36 of them."""
    return rng.lognormal(np.log(22_000), 0.35, CELLS).astype(np.int64)


# Hourly presence at the default budget (rho 1/60 a date, 9 of 16 shares, 24 bins) has sd 36.
HOURLY_SD = NoiseLaw("discrete_gaussian", 35.8).sd


def test_a_tenth_of_a_city_noise_alone_covers_78_percent_and_the_whole_error_95() -> None:
    rng = np.random.default_rng(1)
    people = _bucheon(rng)
    seen = rng.binomial(people, 0.1) + np.round(rng.normal(0.0, HOURLY_SD, CELLS))
    ten = np.full(CELLS, 10.0)
    found = estimate(
        seen, sd=np.full(CELLS, HOURLY_SD), scaling=public_scaling(ten, np.zeros(CELLS))
    )
    whole = _covered(found.lo, found.hi, people)
    noise = _covered(found.value - Z * found.sd_noise, found.value + Z * found.sd_noise, people)
    print(f"population interval {whole:.4f}, noise-only interval {noise:.4f}")
    assert whole == pytest.approx(0.95, abs=0.005)
    assert noise == pytest.approx(0.78, abs=0.01)


@pytest.mark.parametrize("people", [0, 5, 100, 2_500, 100_000])
@pytest.mark.parametrize("sd", [5.0, 12.0, 36.0])
def test_small_and_large_cells_are_covered_alike(people: int, sd: float) -> None:
    rng = np.random.default_rng(2)
    truth = np.full(CELLS, people)
    seen = rng.binomial(truth, 0.1) + np.round(rng.normal(0.0, sd, CELLS))
    scaling = public_scaling(np.full(CELLS, 10.0), np.zeros(CELLS))
    found = estimate(seen, sd=np.full(CELLS, sd), scaling=scaling)
    assert _covered(found.lo, found.hi, truth) == pytest.approx(0.95, abs=0.01)


def test_an_error_of_the_weight_is_covered() -> None:
    rng = np.random.default_rng(3)
    people = _bucheon(rng)
    declared = 10.0 + rng.normal(0.0, 0.5, CELLS)
    seen = rng.binomial(people, 0.1) + np.round(rng.normal(0.0, 12.0, CELLS))
    with_error = estimate(
        seen,
        sd=np.full(CELLS, 12.0),
        scaling=public_scaling(declared, np.full(CELLS, 0.5)),
    )
    without = estimate(
        seen, sd=np.full(CELLS, 12.0), scaling=public_scaling(declared, np.zeros(CELLS))
    )
    assert _covered(with_error.lo, with_error.hi, people) == pytest.approx(0.95, abs=0.005)
    assert _covered(without.lo, without.hi, people) < 0.75


def test_trips_need_their_spread() -> None:
    """People who add 2 to a cell, each in the panel or not: twice the sampling variance."""
    rng = np.random.default_rng(4)
    people = np.full(CELLS, 5_000)
    seen = 2.0 * rng.binomial(people, 0.1) + np.round(rng.normal(0.0, 5.0, CELLS))
    scaling = public_scaling(np.full(CELLS, 10.0), np.zeros(CELLS))
    sd = np.full(CELLS, 5.0)
    right = estimate(seen, sd=sd, scaling=scaling, spread=2.0)
    wrong = estimate(seen, sd=sd, scaling=scaling)
    assert _covered(right.lo, right.hi, 2 * people) == pytest.approx(0.95, abs=0.005)
    assert _covered(wrong.lo, wrong.hi, 2 * people) < 0.90


def _panel_world(
    rng: np.random.Generator, share: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return residents, people of interest among them, and panel counts of both."""
    residents = rng.lognormal(np.log(12_000), 0.3, CELLS).astype(np.int64)
    inside = rng.binomial(residents, share)
    a = rng.binomial(inside, 0.1)
    b = a + rng.binomial(residents - inside, 0.1)
    return residents, inside, a.astype(float), b.astype(float)


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_weights_from_the_noisy_panel_carry_their_ratio_error(share: float) -> None:
    rng = np.random.default_rng(5)
    residents, inside, a, b = _panel_world(rng, share)
    sd_a, sd_b = 20.0, 25.0
    y, panel = a + rng.normal(0, sd_a, CELLS), b + rng.normal(0, sd_b, CELLS)
    weights = panel_weights(panel, sd=sd_b, population=residents.astype(float))
    scaling = Scaling(
        weight=weights.weight,
        sd_weight=weights.sd,
        covariance=np.zeros(CELLS),
        share_base=weights.base,
    )
    found = estimate(y, sd=np.full(CELLS, sd_a), scaling=scaling)
    assert weights.own.all()
    assert _covered(found.lo, found.hi, inside) == pytest.approx(0.95, abs=0.006)
    known = estimate(
        y, sd=np.full(CELLS, sd_a), scaling=public_scaling(weights.weight, np.zeros(CELLS))
    )
    wider = np.mean(known.hi - known.lo) / np.mean(found.hi - found.lo)
    assert wider > 1.0 + 0.04 * share, "knowing the zone's residents must cut the sampling error"


def test_rows_of_the_panel_itself_share_noise_with_their_weight() -> None:
    """A is one of two classes, B their sum: Cov(A, B) is A's own variance."""
    rng = np.random.default_rng(6)
    residents, inside, a, b = _panel_world(rng, 0.7)
    sd = 60.0
    y = a + rng.normal(0, sd, CELLS)
    panel = y + (b - a) + rng.normal(0, sd, CELLS)
    weights = panel_weights(panel, sd=sd * 2**0.5, population=residents.astype(float))
    fits = {}
    for name, covariance in (("same noise", sd**2), ("ignored", 0.0)):
        scaling = Scaling(
            weight=weights.weight,
            sd_weight=weights.sd,
            covariance=np.where(weights.own, covariance, 0.0),
            share_base=weights.base,
        )
        found = estimate(y, sd=np.full(CELLS, sd), scaling=scaling)
        fits[name] = _covered(found.lo[weights.own], found.hi[weights.own], inside[weights.own])
    assert fits["same noise"] == pytest.approx(0.95, abs=0.007)
    assert fits["ignored"] > 0.985


def test_mixed_weights_hold_for_people_of_many_zones() -> None:
    rng = np.random.default_rng(7)
    cells, zones = 20_000, 12
    true = rng.uniform(5.0, 20.0, zones)
    there = rng.poisson(rng.gamma(2.0, 1_000.0, (cells, zones)))
    panel = rng.binomial(there, 1.0 / true)
    mix = panel + rng.normal(0.0, 8.0, panel.shape)
    y = panel.sum(axis=1) + rng.normal(0.0, 8.0, cells)
    weights = panel_weights(np.full(zones, 1e9), sd=1.0, population=1e9 * true)
    weight, sd, enough = mixed_weights(mix, sd=8.0, weights=weights)
    found = estimate(y, sd=np.full(cells, 8.0), scaling=public_scaling(weight, sd))
    assert enough.mean() > 0.99
    covered = _covered(found.lo[enough], found.hi[enough], there.sum(axis=1)[enough])
    assert covered == pytest.approx(0.95, abs=0.02)


def test_the_errors_add_up_and_nothing_is_clamped() -> None:
    found = estimate(
        np.array([-30.0, 200.0]),
        sd=np.full(2, 12.0),
        scaling=public_scaling(np.full(2, 10.0), np.full(2, 0.4)),
    )
    parts = found.sd_noise**2 + found.sd_sampling**2 + found.sd_weight**2
    assert found.sd_total == pytest.approx(np.sqrt(parts))
    assert found.value.tolist() == [-300.0, 2000.0]
    assert found.sd_noise.tolist() == [120.0, 120.0]
    assert found.sd_sampling == pytest.approx([0.0, (10 * 9 * 200) ** 0.5])
    assert found.sd_weight == pytest.approx([12.0, 80.0])
    assert found.lo[0] < -300.0 < found.hi[0]
