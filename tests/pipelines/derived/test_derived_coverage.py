"""The nominal 95% of every derived table, held to simulated truth over 10,000 cells or more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from derived_world import START, Truth, computed, coverage, facts_of, trials, world_of

from dp.law import NoiseLaw
from dp.postprocess import Moments
from pipelines.derived.importation import arrivals
from pipelines.schemas.derived import DerivedParams

WITHIN = 0.01
GAUSSIAN = NoiseLaw("discrete_gaussian", 12.0)
LAPLACE = NoiseLaw("discrete_laplace", 12.0)


def _held(truth: Truth, name: str, *, times: int, **params: Any) -> tuple[float, float]:
    """Return coverage and the part of bounded intervals; the truth is the table without noise."""
    exact = _exact(truth, name, **params)
    held, bounded, cells = coverage(trials(truth, name, times=times, seed=7, **params), exact)
    assert cells >= 10_000
    return held, bounded


def _exact(truth: Truth, name: str, **params: Any) -> np.ndarray:
    # noise of scale 1/8 is 0 in every cell: its variance, 1e-13, moves no digit that counts
    (rows,) = computed(name, truth.published(None), **params)
    return rows.estimate.value


@pytest.mark.parametrize("law", [GAUSSIAN, LAPLACE, NoiseLaw("discrete_gaussian", 3e4, 4096)])
def test_totals_cover(law: NoiseLaw) -> None:
    facts = facts_of(world_of(), "od_flows")
    truth = Truth(facts, law)
    truth.put("od_flows", np.random.default_rng(1).integers(0, 60, 144))
    held, bounded = _held(truth, "totals", times=1_100, of="od_flows")
    assert bounded == 1.0
    # a lattice of whole numbers rounds an interval up: half a step of sd 24 at least is 0.4 points
    assert abs(held - 0.95) < WITHIN


@pytest.mark.parametrize("law", [GAUSSIAN, LAPLACE])
def test_shares_cover(law: NoiseLaw) -> None:
    facts = facts_of(world_of(), "visits")
    truth = Truth(facts, law)
    truth.put("visits", np.random.default_rng(2).integers(5, 400, 12))
    held, bounded = _held(truth, "shares", times=1_000, of="visits")
    assert bounded == 1.0
    assert abs(held - 0.95) < WITHIN


def test_shares_of_destinations_cover_where_rows_are_thin() -> None:
    facts = facts_of(world_of(), "od_flows")
    truth = Truth(facts, GAUSSIAN)
    truth.put("od_flows", np.random.default_rng(3).integers(0, 40, 144))
    held, bounded = _held(truth, "shares", times=90, of="od_flows")
    assert bounded > 0.9
    assert abs(held - 0.95) < WITHIN


@pytest.mark.parametrize(
    ("law", "people"), [(GAUSSIAN, 90), (GAUSSIAN, 30), (GAUSSIAN, 12), (LAPLACE, 90)]
)
def test_crowding_covers_thin_zones_too(law: NoiseLaw, people: int) -> None:
    facts = facts_of(world_of(40), "presence")
    truth = Truth(facts, law)
    truth.put("presence", np.random.default_rng(4).poisson(people, 24 * 40))
    held, bounded = _held(truth, "crowding", times=120)
    assert bounded > 0.95
    assert abs(held - 0.95) < WITHIN


@pytest.mark.parametrize("residents", ["zone", "parent"])
def test_colocation_and_mixing_cover(residents: str) -> None:
    facts = facts_of(world_of(), "presence_by_overnight", "panel")
    truth = Truth(facts, NoiseLaw("discrete_gaussian", 9.0))
    rng = np.random.default_rng(5)
    keys = truth.keys("presence_by_overnight")
    home = keys.codes("overnight") == keys.codes("zone")
    truth.put("presence_by_overnight", rng.poisson(np.where(home, 150, 12), keys.size))
    truth.put("panel", rng.integers(60, 140, truth.keys("panel").size))
    times = 36 if residents == "zone" else 560
    held, bounded = _held(truth, "colocation", times=times, residents=residents)
    assert bounded == 1.0
    assert abs(held - 0.95) < WITHIN


def test_colocation_is_unbiased_where_squares_are_not() -> None:
    facts = facts_of(world_of(), "presence_by_overnight", "panel")
    truth = Truth(facts, NoiseLaw("discrete_gaussian", 9.0))
    rng = np.random.default_rng(5)
    truth.put("presence_by_overnight", rng.poisson(4, truth.keys("presence_by_overnight").size))
    truth.put("panel", rng.integers(4000, 6000, truth.keys("panel").size))
    exact = _exact(truth, "colocation")
    rows = list(trials(truth, "colocation", times=150, seed=8))
    errors = np.array([one.estimate.value - exact for one in rows])
    spread = errors.std(axis=0) / np.sqrt(len(rows))
    assert np.mean(np.abs(errors.mean(axis=0)) < 3 * spread) > 0.98
    # the plain square would be too large by sd^2 in every cell: 20 times what is there
    plain = 12 * 24 * 81 / 24 / np.mean([one.estimate.value[1] for one in rows])
    assert plain > spread[1] * 100


@pytest.mark.parametrize("law", [GAUSSIAN, LAPLACE])
def test_residence_time_covers(law: NoiseLaw) -> None:
    facts = facts_of(world_of(), "presence_by_overnight")
    truth = Truth(facts, law)
    rng = np.random.default_rng(6)
    truth.put("presence_by_overnight", rng.poisson(20, truth.keys("presence_by_overnight").size))
    held, bounded = _held(truth, "residence_time", times=75)
    assert bounded == 1.0
    assert abs(held - 0.95) < WITHIN


def _journeys(law: NoiseLaw) -> Truth:
    truth = Truth(facts_of(world_of(), "od_flows", "trips_per_person"), law)
    rng = np.random.default_rng(9)
    truth.put("od_flows", rng.integers(20, 300, 144))
    truth.put("trips_per_person", rng.integers(20, 300, truth.keys("trips_per_person").size))
    return truth


@pytest.mark.parametrize("law", [GAUSSIAN, LAPLACE])
def test_od_persons_cover_and_rows_add_up_to_residents(law: NoiseLaw) -> None:
    truth = _journeys(law)
    held, bounded = _held(truth, "od_persons", times=75)
    assert bounded == 1.0
    assert abs(held - 0.95) < WITHIN
    keys = truth.keys("trips_per_person")
    rows = _exact(truth, "od_persons").reshape(12, 12).sum(axis=1)
    people = truth.counts[("trips_per_person", START)].reshape([len(k) for k in keys.keys])
    assert rows == pytest.approx(people[:12].sum(axis=1))


def test_kept_share_covers() -> None:
    truth = _journeys(NoiseLaw("discrete_gaussian", 60.0))
    exact = _exact(truth, "kept_share")
    keys = truth.keys("trips_per_person")
    trips = np.array([int(str(v).rstrip("+")) for v in keys.keys[1].values])[keys.codes("trips")]
    made = (truth.counts[("trips_per_person", START)] * trips).sum()
    assert exact[0] == pytest.approx(truth.counts[("od_flows", START)].sum() / made)
    held, _ = _held(truth, "kept_share", times=10_000)
    assert abs(held - 0.95) < WITHIN


def test_importation_covers_noise_prevalence_and_weight_together() -> None:
    rng, zones, times = np.random.default_rng(10), 20, 600
    trips = rng.integers(50, 900, (zones, zones)) * (1 - np.eye(zones))
    prevalence, sd = rng.uniform(0.001, 0.02, zones), 0.0008
    weight, weight_sd = 11.0, 0.4
    exact = weight * (prevalence @ trips)
    held = 0
    for _ in range(times):
        noise = rng.normal(0, 25, trips.shape) * (1 - np.eye(zones))
        told = prevalence + rng.normal(0, sd, zones)
        scale = weight + rng.normal(0, weight_sd)
        one = arrivals(
            Moments(trips + noise, 625.0 * (1 - np.eye(zones))),
            Moments(told, np.full(zones, sd**2)),
            scale,
            weight_sd,
        ).normal()
        held += int(((one.lo <= exact) & (exact <= one.hi)).sum())
    # the weight is shared: 600 weights, 12,000 cells
    assert abs(held / (times * zones) - 0.95) < 0.015


def test_parameters_need_no_more_than_a_name_where_tables_are_made_unasked() -> None:
    from pipelines.derived import DERIVED

    for name, table in DERIVED.items():
        if table.automatic:
            entry = {"table": name}
            if "of" in table.params.model_fields:
                entry["of"] = "visits"
            assert isinstance(table.params.model_validate(entry), DerivedParams)
