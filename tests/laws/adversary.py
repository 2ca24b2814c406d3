"""A search for the person whose records move a release most: hill climbing over raw records."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from harness import Bench, make_world, spot
from reference import Record

from dp.audits.distance import norms, rho_of
from dp.audits.events import Event
from pipelines.release.model import PlannedMeasurement
from pipelines.schemas.calendar import Calendar
from pipelines.tables import TABLES

MINUTES = 23 * 60


class Scorer:
    """What each of many candidate days costs its person, all at once: a candidate has a date."""

    def __init__(self, measurements: Sequence[PlannedMeasurement], calendar: Calendar) -> None:
        """Take the measurements of one date; the calendar has a date for each candidate."""
        self.measurements = measurements
        self.world = make_world(9, calendar)

    def rhos(self, days: Sequence[list[Event]]) -> list[Fraction]:
        """The rho that each of these days costs by the noise of these measurements."""
        found = [
            Record(e.at, e.place, e.at, "p", d, **spot(e.place, east_m=e.spot))
            for d, day in enumerate(days)
            for e in day
        ]
        bench = Bench(found, self.world)
        sums: dict[int, Fraction] = defaultdict(Fraction)
        for one in self.measurements:
            for d, moved in bench.totals(TABLES[one.table], one.params).items():
                sums[d] += rho_of(norms(moved.values()), one.law)
        bench.con.close()
        return [sums[d] for d in range(len(days))]


def climb(
    scorer: Scorer, start: list[Event], *, width: int, steps: int, seed: int
) -> tuple[list[Event], list[Fraction]]:
    """The best day found from a start, and the best rho after each step."""
    rng = random.Random(seed)
    best, (top,) = start, scorer.rhos([start])
    tops = [top]
    for _ in range(steps):
        tried = [_changed(best, rng) for _ in range(width)]
        scores = scorer.rhos(tried)
        at = max(range(width), key=scores.__getitem__)
        if scores[at] >= top:
            best, top = tried[at], scores[at]
        tops.append(top)
    return best, tops


def _changed(day: list[Event], rng: random.Random) -> list[Event]:
    """A day with a few records added, moved, shifted or dropped."""
    found = list(day)
    for _ in range(rng.choice((1, 2, 4, 8))):
        way = rng.choice(("add", "add", "stay", "move", "shift", "drop"))
        at = 60 * rng.randrange(MINUTES)
        place = rng.randrange(9)
        if way == "add" or not found:
            found.append(Event("p", 0, at, place))
        elif way == "stay":
            found += [Event("p", 0, min(at + k * 1500, 60 * MINUTES), place) for k in range(2)]
        else:
            i = rng.randrange(len(found))
            if way == "move":
                found[i] = replace(found[i], place=place)
            elif way == "shift":
                found[i] = replace(found[i], at=at)
            else:
                found.pop(i)
    return found
