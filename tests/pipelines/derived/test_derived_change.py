"""Change from baseline: 95% held, thin baselines unbounded, short ones refused with what works."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from derived_cases import FOUR_WEEKS, weeks
from derived_world import START, Truth, computed, facts_of, trials, world_of

from dp.law import NoiseLaw
from pipelines.derived import DERIVED
from pipelines.schemas.calendar import Calendar
from pipelines.schemas.derived import Facts

LAST = START + dt.timedelta(days=34)  # five weeks, so that one baseline of four leaves a week


def _weeks(law: NoiseLaw, **more: Any) -> tuple[Truth, np.ndarray]:
    """Return five weeks and, by zone, by how much visits fall in the last one, in percent."""
    rng = np.random.default_rng(1)
    rng.uniform(0.5, 2.0, 12)
    return weeks(law, **more), 100 * (rng.uniform(0.3, 1.3, 12) - 1)


def _faults(facts: Facts, **params: Any) -> list[str]:
    table = DERIVED["change_from_baseline"]
    return table.check(facts, table.params.model_validate({"table": table.name, **params}))


def test_the_change_is_that_of_the_truth() -> None:
    truth, exact = _weeks(NoiseLaw("discrete_gaussian", 25.0))
    assert _exact(truth) == pytest.approx(exact, abs=0.5)


def _exact(truth: Truth) -> np.ndarray:
    first = computed(
        "change_from_baseline", truth.published(None), of="visits", baseline=FOUR_WEEKS
    )[0]
    return first.estimate.value


def test_a_growing_panel_is_no_growing_mobility() -> None:
    truth, exact = _weeks(NoiseLaw("discrete_gaussian", 5.0))
    for (table, date), counts in list(truth.counts.items()):
        if date >= START + dt.timedelta(days=28):
            truth.put(table, counts * 2, date)
    assert _exact(truth) == pytest.approx(exact, abs=0.5)
    (plain, *_) = computed(
        "change_from_baseline",
        truth.published(None),
        of="visits",
        baseline=FOUR_WEEKS,
        per_active=False,
    )
    assert plain.estimate.value == pytest.approx(2 * exact + 100, abs=1)


def test_a_baseline_within_its_noise_gives_the_whole_line() -> None:
    truth, _ = _weeks(NoiseLaw("discrete_gaussian", 25.0), mean=8.0)
    rows = list(
        trials(truth, "change_from_baseline", times=3, seed=3, of="visits", baseline=FOUR_WEEKS)
    )
    unbounded = np.concatenate([np.isinf(one.estimate.sd) for one in rows])
    ends = np.concatenate([one.estimate.hi for one in rows])
    assert unbounded.mean() > 0.3
    assert np.all(np.isinf(ends[unbounded]))


def test_a_panel_within_its_noise_is_no_denominator() -> None:
    truth, _ = _weeks(NoiseLaw("discrete_gaussian", 25.0), active=130)
    (first, *_) = trials(
        truth, "change_from_baseline", times=1, seed=4, of="visits", baseline=FOUR_WEEKS
    )
    assert np.all(np.isinf(first.estimate.hi))


def test_a_change_is_precise_by_the_width_of_its_interval() -> None:
    truth, _ = _weeks(NoiseLaw("discrete_gaussian", 5.0))
    (first, *_) = trials(
        truth, "change_from_baseline", times=1, seed=5, of="visits", baseline=FOUR_WEEKS
    )
    width = first.estimate.hi - first.estimate.lo
    assert first.precise is not None
    assert first.precise.tolist() == (width <= 20).tolist()
    assert first.precise.mean() > 0


@pytest.mark.parametrize(("level", "rows"), [("zone", 12), ("parent", 3), ("city", 1)])
def test_levels_give_one_row_a_place(level: str, rows: int) -> None:
    truth, _ = _weeks(NoiseLaw("discrete_gaussian", 5.0))
    found = computed(
        "change_from_baseline",
        truth.published(None),
        of="visits",
        baseline=FOUR_WEEKS,
        level=level,
    )
    assert [one.estimate.value.size for one in found] == [rows] * 7
    assert [one.day.date for one in found][-1] == LAST


def test_a_short_baseline_is_refused_with_the_one_that_works() -> None:
    facts = facts_of(world_of(days=35), "visits", "panel")
    (fault,) = _faults(facts, of="visits", baseline={"start": "2026-03-09", "days": 21})
    assert "Monday has 3 dates without holidays, 4 are needed" in fault
    assert "baseline = { start = 2026-03-02, days = 28 }" in fault
    assert _faults(facts, of="visits", baseline=FOUR_WEEKS) == []


def test_holidays_do_not_count_and_the_baseline_that_works_is_longer() -> None:
    facts = facts_of(world_of(days=35), "visits", "panel")
    (fault,) = _faults(facts, of="visits", baseline=FOUR_WEEKS, holidays=["2026-03-03"])
    assert "Tuesday has 3" in fault
    # the fifth Tuesday back is 2026-02-24
    assert "baseline = { start = 2026-02-24, days = 34 }" in fault


def test_a_holiday_is_left_out_of_the_mean() -> None:
    truth, exact = _weeks(NoiseLaw("discrete_gaussian", 5.0))
    holiday = START + dt.timedelta(days=1)
    truth.put("visits", np.zeros(12, dtype=np.int64), holiday)
    earlier = Calendar(
        time_zone="Asia/Seoul",
        day_starts=dt.time(4),
        start=START - dt.timedelta(days=6),
        days=6,
    )
    held = dict.fromkeys(("visits", "panel"), earlier.dates)
    facts = facts_of(truth.facts.world, "visits", "panel", earlier=held)
    more = Truth(facts, truth.law, truth.counts)
    for day in earlier.dates:
        same = day.date + dt.timedelta(days=14)
        for name in ("visits", "panel"):
            more.put(name, truth.counts[(name, same)], day.date)
    baseline = {"start": earlier.start.isoformat(), "days": 34}
    found = computed(
        "change_from_baseline",
        more.published(None),
        of="visits",
        baseline=baseline,
        holidays=[holiday.isoformat()],
    )
    assert found[1].estimate.value == pytest.approx(exact, abs=0.5)
    whole = computed("change_from_baseline", more.published(None), of="visits", baseline=baseline)
    assert np.all(whole[1].estimate.value > found[1].estimate.value + 5)


def test_a_baseline_never_crosses_an_epoch() -> None:
    facts = facts_of(world_of(days=35), "visits", "panel", epochs=(START + dt.timedelta(days=28),))
    (fault,) = _faults(facts, of="visits", baseline=FOUR_WEEKS)
    assert "a new epoch starts on 2026-03-30" in fault


def test_what_is_asked_for_must_be_there() -> None:
    facts = facts_of(world_of(days=35, parents=0), "visits", "panel")
    assert "needs zones with parents" in _faults(facts, of="visits", level="parent")[0]
    assert "holds no zones" in _faults(facts, of="panel", key="observed_hours")[0]
    alone = facts_of(world_of(days=35), "visits")
    assert 'table = "panel", or write per_active' in _faults(alone, of="visits")[0]
    assert (
        "all dates are in the baseline"
        in _faults(facts, of="visits", baseline={"start": "2026-03-02", "days": 35})[0]
    )
