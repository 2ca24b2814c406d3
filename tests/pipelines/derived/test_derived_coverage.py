"""The nominal 95% of every derived table, held to simulated truth over 10,000 cells or more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from derived_cases import CASES, Case, importation_held, journeys
from derived_world import START, Truth, computed, facts_of, trials, world_of

from dp.law import NoiseLaw
from pipelines.derived import DERIVED
from pipelines.schemas.derived import DerivedParams

WITHIN = 0.01


def _exact(truth: Truth, name: str) -> np.ndarray:
    # noise of scale 1/8 is 0 in every cell: its variance, 1e-13, moves no digit that counts
    (rows,) = computed(name, truth.published(None))
    return rows.estimate.value


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_95_percent_hold_the_truth_95_times_in_100(case: Case) -> None:
    # totals: a lattice of whole numbers rounds an interval up, half a step of sd 24 by 0.4 points
    held, bounded, cells = case.held(times=case.times, seed=7)
    assert cells >= 10_000
    assert bounded >= case.bounded
    assert abs(held - 0.95) < WITHIN


def test_importation_covers_noise_prevalence_and_weight_together(tmp_path: Path) -> None:
    held, _, cells = importation_held(tmp_path, worlds=420, seed=10)
    assert cells >= 10_000
    assert abs(held - 0.95) < WITHIN


def test_no_derived_table_is_left_out() -> None:
    assert {case.of for case in CASES} | {"importation"} == set(DERIVED)


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


def test_rows_of_od_persons_add_up_to_residents() -> None:
    truth = journeys(NoiseLaw("discrete_gaussian", 12.0))
    keys = truth.keys("trips_per_person")
    rows = _exact(truth, "od_persons").reshape(12, 12).sum(axis=1)
    people = truth.counts[("trips_per_person", START)].reshape([len(k) for k in keys.keys])
    assert rows == pytest.approx(people[:12].sum(axis=1))


def test_the_kept_share_is_the_part_of_all_trips_that_flows_hold() -> None:
    truth = journeys(NoiseLaw("discrete_gaussian", 60.0))
    keys = truth.keys("trips_per_person")
    trips = np.array([int(str(v).rstrip("+")) for v in keys.keys[1].values])[keys.codes("trips")]
    made = (truth.counts[("trips_per_person", START)] * trips).sum()
    found = _exact(truth, "kept_share")[0]
    assert found == pytest.approx(truth.counts[("od_flows", START)].sum() / made)


def test_parameters_need_no_more_than_a_name_where_tables_are_made_unasked() -> None:
    for name, table in DERIVED.items():
        if table.automatic:
            entry = {"table": name}
            if "of" in table.params.model_fields:
                entry["of"] = "visits"
            assert isinstance(table.params.model_validate(entry), DerivedParams)
