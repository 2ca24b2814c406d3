"""Taking out any one person moves each table of each date by at most its declared bounds."""

from __future__ import annotations

import datetime as dt

import pytest
from harness import calendar, make_world
from hypothesis import given, settings
from law import TABLE_CHOICES, cases_of, changes
from reference import Record
from shapes import SHAPES
from strategies import records

from dp.audits.distance import exceeded
from dp.bounds import Bounds

WORLDS = {
    "spring": make_world(6, calendar(dt.date(2026, 3, 6)), districts=3),
    "autumn": make_world(6, calendar(dt.date(2026, 10, 30)), districts=3),
}
CASES = {w: cases_of(world) for w, world in WORLDS.items()}


def broken(found: list[Record], where: str) -> list[str]:
    cases = CASES[where]
    made = changes(found, WORLDS[where], {name: case.totals for name, case in cases.items()})
    return [
        f"{name} on date {d}: {names}"
        for name, d, change in made
        if (names := exceeded(change, cases[name].bounds(d)))
    ]


CLOCKS = ("hub", "two_devices", "midnight", "clock_change", "spans")


@pytest.mark.parametrize(
    ("shape", "where"),
    [(shape, "autumn") for shape in SHAPES] + [(shape, "spring") for shape in CLOCKS],
)
def test_no_person_of_a_bad_shape_moves_a_table_further_than_declared(
    shape: str, where: str
) -> None:
    assert broken(SHAPES[shape](WORLDS[where].calendar.dates, 6), where) == []


@settings(max_examples=12, deadline=None)
@given(found=records(spans=True))
def test_no_person_of_a_random_world_moves_a_table_further_than_declared(
    found: list[Record],
) -> None:
    assert broken(found, "autumn") == []


@pytest.fixture(scope="module")
def moves() -> list[tuple[str, int, Bounds]]:
    world = WORLDS["autumn"]
    totals = {name: case.totals for name, case in CASES["autumn"].items()}
    found = [SHAPES[shape](world.calendar.dates, 6) for shape in ("hub", "pendulum", "checkins")]
    return [move for records_ in found for move in changes(records_, world, totals)]


@pytest.mark.parametrize("name", TABLE_CHOICES)
def test_some_bad_shape_comes_close_to_the_declared_bound(
    name: str, moves: list[tuple[str, int, Bounds]]
) -> None:
    norm = "l1" if CASES["autumn"][name].params.noise == "laplace" else "l2_squared"
    reached = [
        getattr(change, norm) / getattr(CASES["autumn"][moved].bounds(d), norm)
        for moved, d, change in moves
        if moved.partition("@")[0] == name  # of one factor over levels, one level binds
    ]
    assert 0.9 <= max(reached) <= 1.0
