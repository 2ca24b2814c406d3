"""A hamlet: a few dozen people, a public list of what a day can look like, every table released."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely

from dp.audits.reconstruction import expected_matches, prior_guess, reconstruct
from dp.law import NoiseLaw
from dp.mechanisms import Mechanism
from pipelines.audit._layout import Layout
from pipelines.audit._made_up import contributions, fixes
from pipelines.release.books import Books
from pipelines.release.plan import plan_with
from pipelines.tables import TABLES

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from pipelines.audit._chance import Generator
    from pipelines.audit._stage import Stage
    from pipelines.release.model import PlannedMeasurement

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

EXACT, ONE, OURS = "exact numbers", "noise of sd 1", "this release"
_ZONES = 4
_FIX_S, _MARGIN_S, _HOUR_S = 900, 60, 3_600
_NEARLY_EXACT = 1e-3
_MOST_CELLS = 2_000_000
_FULLER = {"presence_by_overnight": 9, "trips_per_person": 1, "zones_visited": 1}
_STAYS, _WORKS, _ERRANDS, _AT_NIGHT = 0.3, 0.5, 0.15, 0.05
_SHIFTS = ((3, 12), (4, 13), (5, 14))
_EVENING = (15, 17)
_ERRAND_HOURS = ((6, 8), (10, 12))
_NIGHT_SHIFT = (18, 24)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What one day looks like.

    Attributes:
        home: A place in the list of the hamlet's zones.
        away: Hours since the date's start, from and to, and the zone.
        prior: Chance that a person has this day, as anyone may guess.
    """

    home: int
    away: tuple[tuple[int, int, int], ...]
    prior: float

    def at(self, second: float) -> int:
        """Return the zone at a second of the date."""
        hour = second / _HOUR_S
        return next((zone for start, end, zone in self.away if start <= hour < end), self.home)


def histories(zones: int) -> tuple[History, ...]:
    """Return the public list: stay, work and go out or not, run an errand, work at night."""
    places = range(zones)
    pairs = [(home, zone) for home in places for zone in places if zone != home]
    works = [
        (home, ((*shift, work), *evening))
        for (home, work), shift in itertools.product(pairs, _SHIFTS)
        for evening in ((), *(((*_EVENING, zone),) for zone in places if zone != home))
    ]
    errands = [
        (home, ((*hours, zone),)) for (home, zone), hours in itertools.product(pairs, _ERRAND_HOURS)
    ]
    nights = [(home, ((*_NIGHT_SHIFT, zone),)) for home, zone in pairs]
    kinds = (
        (_STAYS, [(home, ()) for home in places]),
        (_WORKS, works),
        (_ERRANDS, errands),
        (_AT_NIGHT, nights),
    )
    return tuple(
        History(home=home, away=away, prior=share / len(days))
        for share, days in kinds
        for home, away in days
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Hamlet:
    """A hamlet in a corner of the stage's zones, on the first date.

    Attributes:
        stage: Its zones, tables, bounds and noise.
        people: How many live there; the attacker knows it.
    """

    stage: Stage
    people: int

    @cached_property
    def days(self) -> tuple[History, ...]:
        """The public list of histories."""
        return histories(len(self._corner))

    @cached_property
    def prior(self) -> Floats:
        """Chance of each history, shape (histories,)."""
        chances: Floats = np.array([one.prior for one in self.days])
        return np.asarray(chances / chances.sum())

    @cached_property
    def gains(self) -> list[Floats]:
        """What the priors expect of each copy of each history."""
        return expected_matches(self.prior, people=self.people)

    @cached_property
    def guess(self) -> Ints:
        """The best guess before any release."""
        return prior_guess(self.gains, people=self.people)

    @cached_property
    def columns(self) -> Ints:
        """Columns that any history adds to."""
        return np.flatnonzero(np.asarray(self._rows.sum(axis=0)).ravel())

    @cached_property
    def adds(self) -> csr_array:
        """What a person of each history adds, lattice units, shape (histories, columns)."""
        return self._rows[:, self.columns]

    def drawn(self, chance: Generator) -> Ints:
        """Return who lives there: how many people have each history."""
        found: Ints = chance.multinomial(self.people, self.prior)
        return found

    def attacked(self, true: Ints, *, release: str) -> Ints:
        """Return the reconstruction of a hamlet from all numbers of one release of it.

        Args:
            true: How many people with each history are in the records.
            release: ``EXACT``, ``ONE`` or ``OURS``.
        """
        totals = self.adds.T @ true
        stage = self._nearly_exact if release == ONE else self.stage
        answers = totals if release == EXACT else stage.noisy(totals, self.columns)
        factor = self.stage.layout.factor[self.columns].astype(np.float64)
        sd = stage.layout.sd[self.columns] / factor
        return reconstruct(
            self.adds.multiply(1.0 / factor).tocsr(),
            answers / factor,
            sd=np.full_like(sd, _NEARLY_EXACT) if release == EXACT else sd,
            gains=self.gains,
            people=self.people,
        )

    @cached_property
    def _rows(self) -> csr_array:
        return contributions(self.stage, self._records(), count=len(self.days), dates=1)[0]

    def _records(self) -> Iterator[pa.Table]:
        day = self.stage.plan.world.calendar.dates[0]
        at = np.arange(_MARGIN_S, day.length_s, _FIX_S, dtype=np.float64)
        where = np.array([[self._corner[one.at(second)] for second in at] for one in self.days])
        yield fixes(where, day=day, at=at)

    @cached_property
    def _corner(self) -> Floats:
        """Inner points of a zone and its nearest neighbours, shape (zones, 2), WGS 84."""
        shapes = np.array(self.stage.plan.world.zones.frame.geometry.values)
        points: Floats = shapely.get_coordinates(shapely.point_on_surface(shapes))
        far = np.hypot(*(points - points[0]).T)
        near: Floats = points[np.argsort(far, kind="stable")[:_ZONES]]
        return near

    @cached_property
    def _nearly_exact(self) -> Stage:
        changed = {
            i: _unit_noise(one)
            for i, one in enumerate(self.stage.layout.measurements)
            if one.day.index == 0
        }
        return self.stage.with_mechanisms(changed)


def fuller(stage: Stage) -> Stage:
    """Return a stage whose plan has tables by overnight zone too: what an attacker hopes for.

    The budget of a date stays as it is; it is shared by more tables. They are left out where they
    would have millions of cells.
    """
    plan = stage.plan
    zones, bins = len(plan.world.zones), plan.world.calendar.dates[0].bins()
    if zones * (zones + 1) * bins > _MOST_CELLS:
        return stage
    more = tuple(
        TABLES[name].params.model_validate({"table": name, "share": share})
        for name, share in _FULLER.items()
        if name not in plan.tables
    )
    spec = dataclasses.replace(plan.spec, tables=(*plan.spec.tables, *more))
    made = plan_with(spec, books=Books(policy=plan.policy), zones=plan.world.zones)
    drawn = tuple(one.noise for one in made.measurements)
    layout = Layout(measurements=made.measurements, mechanisms=drawn)
    return dataclasses.replace(stage, plan=made, layout=layout)


def _unit_noise(one: PlannedMeasurement) -> Mechanism:
    """Return Gaussian noise whose scale is one person: a negative control."""
    return Mechanism(
        NoiseLaw("discrete_gaussian", float(one.law.factor), one.law.factor), one.bounds
    )
