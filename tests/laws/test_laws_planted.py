"""The laws can fail: each planted bug is caught on some bad shape."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from harness import Bench, calendar, make_world
from law import Case, Edit, Totals, as_bytes, changes
from shapes import SHAPES

from dp.audits.distance import exceeded
from pipelines.tables import sensitive

WORLD = make_world(6, calendar(dt.date(2026, 10, 30)))
WORST = ("hub", "pendulum", "two_devices", "ties", "spans", "commuter", "sleepers")
Plant = Callable[[Case], Callable[[Bench], Totals]]


def breaks(
    choice: str, *, plant: Plant = lambda case: case.totals, edit: Edit = lambda _, sql: sql
) -> bool:
    """Whether the law of bounds fails on some shape while the bug is in."""
    case = Case(choice, WORLD)
    return any(
        exceeded(change, case.bounds(d))
        for shape in WORST
        for _, d, change in changes(
            SHAPES[shape](WORLD.calendar.dates, 6), WORLD, {choice: plant(case)}, edit
        )
    )


def interferes(choice: str, edit: Edit) -> bool:
    """Whether records of other dates reach a date's totals while the bug is in."""
    case = Case(choice, WORLD)
    for shape in WORST:
        found = SHAPES[shape](WORLD.calendar.dates, 6)
        whole = case.totals(Bench(found, WORLD, edit=edit))
        for d in range(3):
            own = [r for r in found if r.d == d]
            alone = case.totals(Bench(own, WORLD, edit=edit))
            if as_bytes(alone.get(d, {})) != as_bytes(whole.get(d, {})):
                return True
    return False


def _replaced(relation: str, old: str, new: str) -> Edit:
    def edit(name: str, sql: str) -> str:
        if name != relation:
            return sql
        assert old in sql, "the plant no longer fits the statement"
        return sql.replace(old, new)

    return edit


def _unclipped(case: Case) -> Callable[[Bench], Totals]:
    statement = sensitive(case.table, WORLD, case.params).statement
    return case.planted(
        f"SELECT d, cell, CAST(SUM(v) * 4096 AS BIGINT) FROM ({statement}) AS c GROUP BY d, cell"
    )


def _ranked_among_others(case: Case) -> Callable[[Bench], Totals]:
    statement = sensitive(case.table, WORLD, case.params).statement
    return case.planted(
        "SELECT d, cell, COUNT(*) FROM (SELECT d, cell, ROW_NUMBER() OVER (PARTITION BY d, person "
        "ORDER BY crowd DESC, cell) AS place FROM (SELECT *, COUNT(*) OVER (PARTITION BY d, cell) "
        f"AS crowd FROM ({statement}) AS c) AS counted) AS ranked "
        f"WHERE place <= {case.params.cap} GROUP BY d, cell"
    )


def _kept_with_multiplicity(case: Case) -> Callable[[Bench], Totals]:
    statement = sensitive(case.table, WORLD, case.params).statement
    return case.planted(
        "SELECT d, cell, CAST(SUM(v) AS BIGINT) FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY d, "
        f"person ORDER BY cell) AS place FROM ({statement}) AS c) AS ranked "
        f"WHERE place <= {case.params.cap} GROUP BY d, cell"
    )


def _quota_of_a_cell(case: Case) -> Callable[[Bench], Totals]:
    statement = sensitive(case.table, WORLD, case.params).statement
    return case.planted(
        "SELECT d, cell, CAST(SUM(v) AS BIGINT) * 4096 FROM (SELECT *, ROW_NUMBER() OVER "
        f"(PARTITION BY d ORDER BY person, cell) AS place FROM ({statement}) AS c) AS ranked "
        "WHERE place <= 20 GROUP BY d, cell"
    )


@pytest.mark.parametrize("choice", ["visits", "od_flows", "visits-laplace", "od_flows-laplace"])
def test_contributions_that_are_not_bounded_are_caught(choice: str) -> None:
    assert breaks(choice, plant=_unclipped)


def test_a_factor_of_the_zones_alone_is_caught_at_the_city() -> None:
    world = make_world(6, calendar(dt.date(2026, 10, 30)), districts=3)
    alone, city = Case("visits", world), Case("visits-levels", world, 2)
    tight = city.params.model_copy(update={"level_caps": {"city": 2}})
    allowed = city.table.rule(world, tight, world.calendar.dates[0], None).coarser(2)
    plant = {"city": lambda bench: city.lifted(alone.totals(bench))}
    found = SHAPES["hub"](world.calendar.dates, 6)
    assert any(exceeded(change, allowed) for _, _, change in changes(found, world, plant))


@pytest.mark.parametrize("choice", ["visits", "visits-laplace"])
def test_a_cell_that_counts_as_often_as_it_comes_is_caught(choice: str) -> None:
    def plant(case: Case) -> Callable[[Bench], Totals]:
        sql = case.rule_sql()
        assert "LIST_DISTINCT(LIST(cell))" in sql, "the plant no longer fits"
        short = "LEN(LIST_DISTINCT(cells))"
        return case.planted(
            sql.replace("LIST_DISTINCT(LIST(cell))", "LIST(cell)").replace(
                "ARRAY_LENGTH(cells)", short
            )
        )

    assert breaks(choice, plant=plant)


@pytest.mark.parametrize("choice", ["visits-sampling"])
def test_a_rank_among_others_is_caught(choice: str) -> None:
    assert breaks(choice, plant=_ranked_among_others)


def test_sampling_that_keeps_multiplicity_is_caught() -> None:
    assert breaks("od_flows-sampling", plant=_kept_with_multiplicity)


def test_a_quota_shared_by_all_persons_is_caught() -> None:
    assert breaks("visits", plant=_quota_of_a_cell)


def test_runs_that_overlap_are_caught() -> None:
    assert breaks("presence", edit=_replaced("runs", "gap_after // 2", "gap_after"))


def test_a_visit_that_is_not_cut_is_caught() -> None:
    assert breaks("presence", edit=_replaced("runs", "LEAST(t_reach, t_next)", "t_reach"))


@pytest.mark.parametrize("choice", ["presence", "panel"])
def test_records_read_as_one_persons_are_caught(choice: str) -> None:
    mixed = _replaced("runs", "PARTITION BY person, d ORDER BY", "PARTITION BY d ORDER BY")
    assert breaks(choice, edit=mixed)


def test_a_person_counted_once_a_zone_in_the_panel_is_caught() -> None:
    twice = _replaced(
        "people",
        "FROM spent GROUP BY d, person HAVING",
        "FROM spent GROUP BY d, person, zone HAVING",
    )
    assert breaks("panel", edit=twice)


@pytest.mark.parametrize(
    "choice", ["trips_per_person", "zones_visited", "travel_distance", "stay_put"]
)
def test_a_person_who_is_twice_among_the_people_is_caught(choice: str) -> None:
    assert breaks(choice, edit=_replaced("people", "FROM packed", "FROM packed, (VALUES (1), (2))"))


def test_bins_of_runs_that_are_not_joined_by_date_are_caught() -> None:
    def plant(case: Case) -> Callable[[Bench], Totals]:
        sql = case.rule_sql()
        assert "ON r.person = p.person AND r.d = p.d" in sql, "the plant no longer fits"
        return case.planted(
            sql.replace("ON r.person = p.person AND r.d = p.d", "ON r.person = p.person")
        )

    assert breaks("presence_by_overnight", plant=plant)


def test_a_threshold_taken_from_the_data_is_caught() -> None:
    late = _replaced(
        "stays",
        "t_end - t_start >= 1200",
        "t_end - t_start >= (SELECT AVG(t_end - t_start) FROM runs)",
    )
    assert breaks("visits", edit=late)


@pytest.mark.parametrize(
    ("choice", "relation", "old", "new"),
    [
        ("presence", "runs", "PARTITION BY person, d ORDER BY", "PARTITION BY person ORDER BY"),
        ("od_flows", "trips", "PARTITION BY person, d", "PARTITION BY person"),
        ("visits", "stays", ">= 1200", ">= 10 * (SELECT COUNT(*) FROM runs)"),
    ],
)
def test_what_reads_other_dates_is_caught(choice: str, relation: str, old: str, new: str) -> None:
    assert interferes(choice, _replaced(relation, old, new))
