"""The whole release: no person is known by more than the ledger was charged, and the worst nearly.

A release of one window, every table in it. v is what the raw records of one person add to all
bounded tables of all dates, through files and engine; v' Q' Sigma^-1 Q v is at most 2 rho, where
rho is the ledger's own sum over the charges that meet the window.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass, replace
from fractions import Fraction

import pytest
from adversary import Scorer, climb
from harness import calendar
from road import ZONES, Road, make_road

from dp.audits.distance import difference, norms, quadratic_form
from dp.audits.events import Event
from dp.audits.neighbours import without
from dp.audits.shapes import SHAPES
from dp.ledger import Ledger, ReleaseKey
from pipelines.spec import load_policy
from pipelines.tables import TABLES

DATES = 14


@dataclass
class Whole:
    """A planned release of one window, and a ledger that was charged for it."""

    road: Road
    ledger: Ledger

    @property
    def rho(self) -> Fraction:
        """What the ledger says that the worst window lost."""
        return self.ledger.worst(DATES).rho

    def form(self, events: list[Event], person: str) -> Fraction:
        """v' Q' Sigma^-1 Q v of one person among others."""
        self.road.people(events)
        whole, other = self.road.count(events), self.road.count(without(events, person))
        changes = {name: norms(difference(whole[name], other[name])) for name in whole}
        return quadratic_form(
            (changes[name], one.law) for name, one in self.road.measurements.items()
        )


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Fourteen dates, clocks change inside; every table of the registry by its defaults."""
    folder = tmp_path_factory.mktemp("road") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        road = make_road(
            folder, ("plain",), start=dt.date(2026, 10, 25), days=DATES, tables=tuple(TABLES)
        )
        policy = load_policy(folder / "policy.toml")
        ledger = Ledger.create(folder / "laws.ledger", policy, anchors=folder / "anchors")
        plan = road.plans["plain"]
        ledger.reserve(
            ReleaseKey(plan.digest, plan.spec.slug),
            [one.charge for one in plan.measurements],
            spans={day.date: (day.start_s, day.end_s) for day in road.days},
        )
    return Whole(road, ledger)


def test_the_ledger_holds_every_table_of_every_date(release: Whole) -> None:
    plan = release.road.plans["plain"]
    assert {one.table for one in plan.measurements} == set(TABLES)
    charged = sum((one.cost.rho.value for one in plan.measurements), Fraction(0))
    assert release.rho == charged
    assert Fraction(9, 20) < release.rho <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("shape", "person"), [("hub", "hub"), ("pendulum", "left"), ("two_devices", "two")]
)
def test_no_adversary_is_known_by_more_than_was_charged(
    release: Whole, shape: str, person: str
) -> None:
    events = SHAPES[shape](release.road.lengths, ZONES)
    assert release.form(events, person) <= 2 * release.rho


def test_a_searched_adversary_comes_near_the_charge_and_not_beyond(release: Whole) -> None:
    """Climbing from a day of one record; the day found is lived on all dates, by one of many."""
    plan = release.road.plans["plain"]
    first = [one for one in plan.measurements if one.day.index == 0]
    tries = 30
    scorer = Scorer(first, calendar(dt.date(2026, 6, 1), days=tries))
    day, tops = climb(scorer, [Event("p", 0, 43_200, 0)], width=tries, steps=25, seed=5)
    charged = sum((one.cost.rho.value for one in first), Fraction(0))
    assert tops[0] < charged * 3 / 5
    assert tops[-1] > charged * 4 / 5, "the search found little: it would prove little"
    others = SHAPES["commuter"](release.road.lengths, ZONES)
    found = [replace(e, person="found", date=d) for d in range(DATES) for e in day]
    form = release.form(others + found, "found")
    assert form <= 2 * release.rho
    assert form > Fraction(3, 4) * 2 * release.rho


def test_the_hub_uses_nearly_all_that_was_charged(release: Whole) -> None:
    """How tight the accounting is: the worst known person uses this part of the charge."""
    events = SHAPES["hub"](release.road.lengths, ZONES)
    part = release.form(events, "hub") / (2 * release.rho)
    assert 0.9 < part <= 1


def test_an_unclipped_release_is_caught(release: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    from dp.bounding import Weighting

    def sql(rule: Weighting, sensitive: object) -> str:
        return (
            f"SELECT d, cell, CAST(SUM(v) * {rule.factor} AS BIGINT) AS total "
            f"FROM ({sensitive.statement}) AS c GROUP BY d, cell"  # type: ignore[attr-defined]
        )

    monkeypatch.setattr(Weighting, "sql", sql)
    events = SHAPES["pendulum"](release.road.lengths, ZONES)
    assert release.form(events, "left") > 2 * release.rho
