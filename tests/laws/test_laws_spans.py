"""A table over all dates: a person who vanishes, and one whose records of some dates go or move."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

import pytest
from harness import Bench, calendar, make_world, spot
from law import Case, Totals, exceeded, moved
from reference import Record
from shapes import SHAPES

from dp.bounds import Bounds
from pipelines.tables import TABLES

DAYS = 18
WORLD = make_world(5, calendar(dt.date(2026, 10, 24), days=DAYS))  # clocks go back within
CASE = Case("home", WORLD)
ONE = CASE.bounds(0)
MOVED = ONE.replaced()


def home_of(found: list[Record]) -> Totals:
    return CASE.totals(Bench(found, WORLD))


def sleeper(person: str, zones: list[int]) -> list[Record]:
    """One place a night, told by two records."""
    return [
        Record(t, zone, t, person, d, **spot(zone))
        for d, zone in enumerate(zones)
        for t in (16 * 3600, 22 * 3600)
    ]


def people() -> list[Record]:
    """Every bad shape, and sleepers of one, two and many zones."""
    rng = random.Random(5)
    shapes = [
        r for name in ("hub", "sleepers", "commuter") for r in SHAPES[name](WORLD.calendar.dates, 5)
    ]
    crowd = [
        r
        for i in range(6)
        for r in sleeper(f"s{i}", [rng.choice([-1, 0, 1, 2]) for _ in range(DAYS)])
    ]
    return shapes + crowd + sleeper("half", [0] * 9 + [3] * 9) + sleeper("settled", [4] * DAYS)


def windows() -> list[range]:
    """Windows that hold the span whole, cut it at either end, or lie within it."""
    return [range(DAYS), range(4), range(9), range(9, DAYS), range(6, 13), range(17, 18)]


def edits(found: list[Record], person: str, dates: range) -> list[list[Record]]:
    """Worlds in which a person's records of some dates are gone, or are other ones."""
    others = [r for r in found if r.person != person]
    own = [r for r in found if r.person == person]
    kept = [r for r in own if r.d not in dates]
    away = [replace(r, zone=(r.zone + 1) % 5) for r in own if r.d in dates]
    return [others + kept, others + kept + away]


@pytest.fixture(scope="module")
def whole() -> list[Record]:
    return people()


def test_a_person_who_vanishes_moves_one_cell_by_one(whole: list[Record]) -> None:
    totals = home_of(whole)
    for person in sorted({r.person for r in whole}):
        fewer = home_of([r for r in whole if r.person != person])
        change = moved(totals[DAYS - 1], fewer[DAYS - 1])
        assert change == Bounds(l0=1, l1=1, l2_squared=1, linf=1)


def test_records_of_a_window_move_the_table_by_replacement_at_most(whole: list[Record]) -> None:
    totals, reached = home_of(whole), 0
    for person in ("half", "settled", "s0", "s1", "hub"):
        for dates in windows():
            for other in edits(whole, person, dates):
                change = moved(totals[DAYS - 1], home_of(other)[DAYS - 1])
                assert exceeded(change, MOVED) == []
                reached = max(reached, change.l2_squared if change else 0)
    assert reached == MOVED.l2_squared == 2 > ONE.l2_squared


def test_a_home_for_each_date_is_caught(whole: list[Record]) -> None:
    sql = CASE.rule_sql().replace(
        "SELECT person FROM people GROUP BY person", "SELECT person FROM people"
    )
    plant = CASE.planted(sql)
    fewer = [r for r in whole if r.person != "settled"]
    change = moved(plant(Bench(whole, WORLD))[DAYS - 1], plant(Bench(fewer, WORLD))[DAYS - 1])
    assert exceeded(change, MOVED)


def test_only_home_reads_more_than_its_own_date() -> None:
    assert [name for name, table in TABLES.items() if table.spans] == ["home"]
