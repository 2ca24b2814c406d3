"""The totals of a date are a function of that date's records: of their set, not of their order."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

import pytest
from harness import Bench, calendar, make_world
from hypothesis import given, settings
from law import TABLE_CHOICES, Case, as_bytes
from reference import Record
from shapes import SHAPES
from strategies import records

from pipelines.tables import TABLES

CHOICES = tuple(
    choice
    for choice, (name, _) in TABLE_CHOICES.items()
    if "laplace" not in choice and not TABLES[name].spans
)
WORLD = make_world(6, calendar(dt.date(2026, 10, 30)))
CASES = {name: Case(name, WORLD) for name in CHOICES}
DATES = range(3)


def totals_of_dates(found: list[Record]) -> dict[tuple[str, int], bytes]:
    bench = Bench(found, WORLD)
    totals = {name: case.totals(bench) for name, case in CASES.items()}
    return {(name, d): as_bytes(totals[name].get(d, {})) for name in totals for d in DATES}


def of_date(d: int, totals: dict[tuple[str, int], bytes]) -> dict[tuple[str, int], bytes]:
    return {key: data for key, data in totals.items() if key[1] == d}


def elsewhere(found: list[Record], d: int) -> list[list[Record]]:
    """Other worlds with the same records on date ``d``."""
    own = [r for r in found if r.d == d]
    others = [r for r in found if r.d != d]
    moved = [replace(r, zone=(r.zone + 1) % 6, person=r.person + "x") for r in others]
    copied = [replace(r, d=other) for r in own for other in DATES if other != d]
    return [own, own + moved, own + copied]


@pytest.mark.parametrize("shape", SHAPES)
def test_records_on_other_dates_leave_a_dates_totals_as_they_are(shape: str) -> None:
    found = SHAPES[shape](WORLD.calendar.dates, 6)
    totals = totals_of_dates(found)
    for d in DATES:
        for other in elsewhere(found, d):
            assert of_date(d, totals_of_dates(other)) == of_date(d, totals)


@settings(max_examples=10, deadline=None)
@given(found=records(spans=True), other=records(spans=True))
def test_random_records_on_other_dates_change_nothing_either(
    found: list[Record], other: list[Record]
) -> None:
    totals = totals_of_dates(found)
    for d in DATES:
        mixed = [r for r in found if r.d == d] + [r for r in other if r.d != d]
        assert of_date(d, totals_of_dates(mixed)) == of_date(d, totals)


@pytest.mark.parametrize("shape", SHAPES)
def test_repeated_and_reordered_records_leave_all_totals_as_they_are(shape: str) -> None:
    found = SHAPES[shape](WORLD.calendar.dates, 6)
    more = found + found[1::2]
    random.Random(3).shuffle(more)
    assert totals_of_dates(more) == totals_of_dates(found)
