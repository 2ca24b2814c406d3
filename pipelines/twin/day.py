"""Where every simulated person is at every second of one date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.twin.people import NIGHT_SHIFT, STAYS_HOME, STUDIES, WORKS, out_of_town

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from pipelines.twin.people import People
    from pipelines.twin.places import Places

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

PLACE_KINDS = ("home", "work", "school", "restaurant", "market", "leisure")
HOME, WORK, SCHOOL, RESTAURANT, MARKET, LEISURE = range(6)
_HOUR_S = 3600.0
_SPEED_M_S = 6.5
_DETOUR = 1.3
_DOOR_TO_DOOR_S = 240.0
_SHORTEST_STOP_S = 900.0
_OUTING_REACH_M = 1_600.0
_SATURDAY = 5
_EVENING_H = 12.0
_AT_WORK_SHARE, _WEEKEND_SHIFT_SHARE = 0.93, 0.15


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """Stops of every person on one date; arrays of shape (people, stops).

    Times are seconds since the date's start. A person is at stop k from ``arrive`` to ``leave``
    and then moves straight to stop k + 1; an unused stop repeats the one before it in no time.

    Attributes:
        arrive, leave: When each stop starts and ends; the last one never ends.
        place_m: Places in metres, shape (people, stops, 2).
        kind: What each stop is (``PLACE_KINDS``).
        used: Whether the stop happens.
    """

    arrive: Floats
    leave: Floats
    place_m: Floats
    kind: Ints
    used: Bools

    def at(self, person: Ints, t: Floats) -> Floats:
        """Return where ``person[i]`` is at second ``t[i]``; shape (n, 2), metres."""
        stop = np.zeros(len(person), dtype=np.int64)
        for k in range(1, self.arrive.shape[1] - 1):
            stop += t >= self.arrive[:, k][person]
        last = t >= self.arrive[:, -1][person]
        left, reached = self.leave[person, stop], self.arrive[person, stop + 1]
        with np.errstate(invalid="ignore", divide="ignore"):
            way = np.clip((t - left) / (reached - left), 0.0, 1.0)
        way = np.where(last, 1.0, np.nan_to_num(way))[:, None]
        here, there = self.place_m[person, stop], self.place_m[person, stop + 1]
        where: Floats = here + way * (there - here)
        return where


def make_day(
    people: People, *, date: dt.date, places: Places, away: float, rng: np.random.Generator
) -> Day:
    """Return one date's stops; ``away`` is the share of people who spend it out of town."""
    weekday = date.weekday() < _SATURDAY
    wakes_at_work = (people.role == NIGHT_SHIFT) & weekday
    plan = _Plan(people, wakes_at_work=wakes_at_work, places=places, rng=rng)
    (_weekday if weekday else _weekend)(plan, people)
    plan.stop(HOME, people.home_m, leave_h=np.full(len(people), 24.0), goes=plan.everyone)
    gone = rng.random(len(people)) < away
    return plan.day(gone=gone, where=out_of_town(len(people), rng))


class _Plan:
    """Stops in order: each person takes part in a stop or skips it."""

    def __init__(
        self, people: People, *, wakes_at_work: Bools, places: Places, rng: np.random.Generator
    ) -> None:
        self.rng, self.places, self.people = rng, places, people
        self.everyone: Bools = np.ones(len(people), dtype=np.bool_)
        self._arrive = [np.zeros(len(people))]
        self._leave: list[Floats] = []
        self._place: list[Floats] = [np.where(wakes_at_work[:, None], people.day_m, people.home_m)]
        self._kind: list[Ints] = [np.where(wakes_at_work, WORK, HOME)]
        self._used: list[Bools] = [self.everyone]

    def around(self, mean_h: float, sd_h: float) -> Floats:
        """Hours since the date's start, scattered around a mean."""
        scattered: Floats = self.rng.normal(mean_h, sd_h, size=len(self.people))
        return scattered

    def chance(self, share: float) -> Bools:
        """Who does something that a share of people does, more likely those with the habit."""
        lucky: Bools = self.rng.random(len(self.people)) < share * self.people.habit
        return lucky

    def outing(self, zone: Ints) -> Floats:
        """A place to go out to, near each zone."""
        to = self.places.drawn(
            zone, pull=self.places.errands, reach_m=_OUTING_REACH_M, rng=self.rng
        )
        return self.places.inside(to, self.rng)

    def first_leave(self, leave_h: Floats) -> None:
        """When people leave where they woke up."""
        self._leave.append(np.maximum(leave_h * _HOUR_S, _SHORTEST_STOP_S))

    def stop(self, kind: int | Ints, place: Floats, *, leave_h: Floats, goes: Bools) -> None:
        """Add a stop that those who go reach from their last one and leave at ``leave_h``."""
        before, left = self._place[-1], self._leave[-1]
        place = np.where(goes[:, None], place, before)
        far_m = np.hypot(*(place - before).T) * _DETOUR
        arrive = left + np.where(goes, far_m / _SPEED_M_S + _DOOR_TO_DOOR_S, 0.0)
        until = np.maximum(leave_h * _HOUR_S, arrive + _SHORTEST_STOP_S)
        self._arrive.append(arrive)
        self._leave.append(np.where(goes, until, left))
        self._place.append(place)
        self._kind.append(np.where(goes, kind, self._kind[-1]))
        self._used.append(goes)

    def wait(self, until_h: Floats, *, who: Bools) -> None:
        """Let some stay where they are until a later hour."""
        self._leave[-1] = np.where(
            who, np.maximum(self._leave[-1], until_h * _HOUR_S), self._leave[-1]
        )

    @property
    def at_home(self) -> Bools:
        """Who is at home now."""
        home: Bools = self._kind[-1] == HOME
        return home

    @property
    def late(self) -> Bools:
        """Who is free only towards the evening."""
        late: Bools = self._leave[-1] > _EVENING_H * _HOUR_S
        return late

    def day(self, *, gone: Bools, where: Floats) -> Day:
        """Return the finished date; those who are gone spend all of it somewhere else."""
        place = np.where(gone[:, None, None], where[:, None, :], np.stack(self._place, axis=1))
        leave = np.stack(self._leave, axis=1)
        leave[:, -1] = np.inf
        used = np.stack(self._used, axis=1) & ~gone[:, None]
        return Day(np.stack(self._arrive, axis=1), leave, place, np.stack(self._kind, axis=1), used)


def _weekday(plan: _Plan, people: People) -> None:
    role = people.role
    works, studies, stays = role == WORKS, role == STUDIES, role == STAYS_HOME
    wakes = [plan.around(4.4, 0.8), plan.around(4.1, 0.25), plan.around(2.0, 0.2)]
    out = np.select([works, studies, role == NIGHT_SHIFT], wakes, plan.around(6.5, 1.2))
    plan.first_leave(out)
    busy = (works & (plan.rng.random(len(people)) < _AT_WORK_SHARE)) | studies
    noon = np.where(works, plan.around(8.0, 0.3), plan.around(11.5, 0.6))
    plan.stop(np.where(studies, SCHOOL, WORK), people.day_m, leave_h=noon, goes=busy)
    lunch = (plan.chance(0.35) & works & busy) | (plan.chance(0.55) & stays)
    at_noon = np.where(works, RESTAURANT, MARKET)
    plan.stop(at_noon, plan.outing(people.day_zone), leave_h=plan.around(9.0, 0.3), goes=lunch)
    home_time = plan.around(14.2, 1.0)
    plan.stop(WORK, people.day_m, leave_h=home_time, goes=works & busy & lunch)
    plan.wait(home_time, who=works & busy & ~lunch)
    _evening(plan, people, share=0.38)
    all_night = np.full(len(people), 24.0)
    plan.stop(WORK, people.day_m, leave_h=all_night, goes=role == NIGHT_SHIFT)


def _weekend(plan: _Plan, people: People) -> None:
    shift = (people.role == WORKS) & (plan.rng.random(len(people)) < _WEEKEND_SHIFT_SHARE)
    plan.first_leave(np.where(shift, plan.around(5.0, 0.6), plan.around(7.5, 1.8)))
    plan.stop(WORK, people.day_m, leave_h=plan.around(13.0, 1.2), goes=shift)
    out = plan.chance(0.5) & ~shift
    plan.stop(LEISURE, plan.outing(people.home_zone), leave_h=plan.around(10.0, 1.4), goes=out)
    shops = plan.chance(0.35) & ~shift
    plan.wait(plan.around(10.5, 1.0), who=shops & ~out)
    plan.stop(MARKET, plan.outing(people.home_zone), leave_h=plan.around(12.5, 1.2), goes=shops)
    _evening(plan, people, share=0.25)


def _evening(plan: _Plan, people: People, *, share: float) -> None:
    """Some eat out on their way home; some come home and go out again."""
    plan.wait(plan.around(13.8, 0.8), who=plan.at_home)
    eats = plan.chance(share) & plan.late
    at_table = plan.around(16.0, 0.9)
    plan.stop(RESTAURANT, plan.outing(people.home_zone), leave_h=at_table, goes=eats)
    later = plan.chance(share * 0.4) & ~eats
    rest = plan.around(15.3, 0.4)
    plan.stop(HOME, people.home_m, leave_h=rest, goes=later | (people.role == NIGHT_SHIFT))
    plan.stop(LEISURE, plan.outing(people.home_zone), leave_h=plan.around(18.0, 0.9), goes=later)
