"""Bad shapes: small worlds of records on which wrong traces, tables and bounds break.

Uniform random worlds miss real bugs; these do not. Each shape is a function of public days and a
number of zones, gives a list of records, and is made of whole minutes unless a second matters.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from harness import spot
from reference import Record

from pipelines.schemas.calendar import MobilityDay

MIN = 60
HOUR = 3600
OUT = -1
Days = Sequence[MobilityDay]
Shape = Callable[[Days, int], list[Record]]


def _at(person: str, day: MobilityDay, t: int, zone: int, *, until: int | None = None) -> Record:
    where = spot(zone, east_m=(t // MIN * 37) % 400)
    if until is None:
        return Record(t, zone, t, person, day.index, **where)
    named = (t // (10 * MIN) + zone) % 4 - 1
    return Record(t, zone, until, person, day.index, **where, declared=True, category=named)


def _checkin(person: str, day: MobilityDay, t: int, zone: int) -> Record:
    return replace(_at(person, day, t, zone), declared=True, category=(t + zone) % 4 - 1)


def hub(days: Days, zones: int) -> list[Record]:
    """One person stays in every zone, again and again, among people who stay in one."""
    hopper = [
        _at("hub", day, t, (t // (25 * MIN) + 2 * day.index) % zones)
        for day in days
        for t in range(0, day.length_s, 25 * MIN)
    ]
    return hopper + [r for i in range(3) for r in _resident(f"resident{i}", days, i % zones)]


def _resident(person: str, days: Days, zone: int) -> list[Record]:
    return [_at(person, day, t, zone) for day in days for t in range(0, day.length_s, 100 * MIN)]


def hermit(days: Days, zones: int) -> list[Record]:
    """People with one record, with none at night, and with one zone all day."""
    return [
        _at("once", days[0], 12 * HOUR, 0),
        _at("once", days[-1], 0, zones - 1),
        *[_at("evening", days[0], t, 1) for t in range(14 * HOUR, 18 * HOUR, 20 * MIN)],
        *_resident("home", days, 2 % zones),
    ]


def commuter(days: Days, zones: int) -> list[Record]:
    """Home, work, home, by different routes; one works outside the zones."""
    found = []
    for i in range(4):
        home, work = i % zones, (i + zones // 2) % zones if i else OUT
        for day in days:
            late = (i + 3 * day.index) * 7 * MIN
            found += [_at(f"c{i}", day, t, home) for t in range(0, 4 * HOUR, HOUR + 11)]
            found += [_at(f"c{i}", day, t + late, work) for t in range(5 * HOUR, 13 * HOUR, HOUR)]
            found += [_at(f"c{i}", day, t + late, home) for t in range(14 * HOUR, 22 * HOUR, HOUR)]
    return found


def burst(days: Days, zones: int) -> list[Record]:
    """Hundreds of records within minutes, one or two a second."""
    return [
        _at(person, days[0], 9 * HOUR + (i * step) // 2, (i * i) % zones)
        for person, step in (("burst", 1), ("storm", 7))
        for i in range(200)
    ] + _resident("calm", days, 0)


def two_devices(days: Days, zones: int) -> list[Record]:
    """One person's phone at home and phone at work, united: two places at a time."""
    return [
        _at("two", day, t + offset, zone)
        for day in days
        for offset, zone in ((0, day.index % zones), (3 * MIN, zones - 1))
        for t in range(0, day.length_s - HOUR, 17 * MIN)
    ] + _resident("one", days, 1)


def midnight(days: Days, zones: int) -> list[Record]:
    """Records around local midnight, at a date's first second and at its last."""
    found = []
    for day in days:
        last = day.length_s - 1
        found += [_at("edge", day, t, 0) for t in (0, 1, last - 1, last)]
        found += [_at("flip", day, t, z) for t, z in ((0, 0), (1, 1), (last - 1, 1), (last, 0))]
        found += [_at("owl", day, t, (t // HOUR) % zones) for t in range(18 * HOUR, last, 29 * MIN)]
        found += [_at("last", day, last, 2 % zones)]
    return found


def clock_change(days: Days, zones: int) -> list[Record]:
    """Records every half hour to the very end of dates of 23, 24 and 25 hours."""
    return [
        _at(f"clock{k}", day, min(t + k, day.length_s - 1), (t // (90 * MIN) + k) % zones)
        for k in range(3)
        for day in days
        for t in range(0, day.length_s, 30 * MIN)
    ]


def sleepers(days: Days, zones: int) -> list[Record]:
    """A crowd whose nights rest on one long gap, one who is awake in its middle."""
    crowd = [
        _at(f"sleeper{i}", day, t, 0)
        for i in range(12)
        for day in days
        for t in (15 * HOUR, 16 * HOUR, 22 * HOUR + day.index)
    ]
    turns = [_at("turns", day, t, 0) for day in days for t in (15 * HOUR, 16 * HOUR, 22 * HOUR)]
    awake = [_at(("awake", "turns")[day.index % 2], day, 19 * HOUR, 1) for day in days]
    return crowd + turns + awake


def out_of_area(days: Days, zones: int) -> list[Record]:
    """People who leave the zones, come back, sleep outside, or are never inside."""
    found = []
    for day in days:
        for k in range(0, 22 * HOUR, 2 * HOUR):
            found.append(_at("border", day, k, OUT if k % (4 * HOUR) else k // HOUR % zones))
            found.append(_at("abroad", day, k, OUT))
        found += [_at("guest", day, t, 0) for t in range(0, 17 * HOUR, HOUR)]
        found += [_at("guest", day, t, OUT) for t in range(18 * HOUR, 23 * HOUR, HOUR)]
    return found


def duplicates(days: Days, zones: int) -> list[Record]:
    """Every record several times, in another order."""
    found = 3 * commuter(days, zones)
    random.Random(1).shuffle(found)
    return found


def ties(days: Days, zones: int) -> list[Record]:
    """Several zones and several places at one instant."""
    found = []
    for t in range(0, 20 * HOUR, 2 * HOUR):
        for zone in (OUT, *range(zones)):
            found += [replace(_at("tie", days[0], t, zone), lat_e7=375_000_000 + k) for k in (5, 2)]
        found += [_at("pair", days[0], t, zone) for zone in (t // HOUR % zones, zones - 1)]
    return found


def gaps(days: Days, zones: int) -> list[Record]:
    """Gaps a second below, at and above every default limit, by day and by night, odd and even."""
    found = []
    for start in (0, 15 * HOUR):
        for k, limit in enumerate((HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR)):
            for slip in (0, 1):
                for there in (0, 1):
                    person = f"gap-{start}-{k}-{slip}-{there}"
                    found.append(_at(person, days[0], start, 0))
                    found.append(_at(person, days[0], start + limit + slip, there))
    return found


def pendulum(days: Days, zones: int) -> list[Record]:
    """Trips between the same two zones all day: one cell holds more than any cap."""
    return [
        _at(person, day, t, t // (21 * MIN) % 2)
        for person in ("left", "right")
        for day in days
        for t in range(0, 22 * HOUR, 21 * MIN)
    ] + commuter(days, zones)


def spans(days: Days, zones: int) -> list[Record]:
    """Visits with an end: nested, overlapping, touching, empty, cut at the date's end."""
    found = []
    for day in days:
        end = day.length_s
        found += [
            _at("nest", day, HOUR, 0, until=10 * HOUR),
            _at("nest", day, 2 * HOUR, 0, until=3 * HOUR),
            _at("nest", day, 4 * HOUR, 1, until=5 * HOUR),
            _at("nest", day, 9 * HOUR, 1, until=9 * HOUR + 1),
            _at("touch", day, 0, 0, until=6 * HOUR),
            _at("touch", day, 6 * HOUR, 1, until=12 * HOUR),
            _at("touch", day, 12 * HOUR, 1, until=end),
            _at("cut", day, end - 19 * MIN, 2 % zones, until=end),
            _at("cut", day, 0, 2 % zones, until=5 * MIN),
            _at("same", day, HOUR, 0, until=9 * HOUR),
            _at("same", day, HOUR, 1, until=2 * HOUR),
            _at("shadow", day, 0, 0, until=end),
            _at("shadow", day, 1, 1, until=end),
            _at("empty", day, 3 * HOUR, 0, until=3 * HOUR),
        ]
    return found


def checkins(days: Days, zones: int) -> list[Record]:
    """Visits without an end: a stay each, some a second apart, one alone."""
    found = [_checkin("alone", days[0], 7 * HOUR, 0)]
    for day in days:
        found += [_checkin("many", day, 9 * HOUR + k, k % zones) for k in range(12)]
        found += [_checkin("tour", day, k * HOUR, k % zones) for k in range(10)]
        found += [_at("mixed", day, k * 5 * MIN, k % zones) for k in range(10)]
        found += [_checkin("mixed", day, 47 * MIN, 0)]
        found += [_checkin("crowded", day, t, z) for t in (0, 99) for z in range(zones - 1, -1, -1)]
    return found


def far_away(days: Days, zones: int) -> list[Record]:
    """Coordinates at the ends of the earth: poles and both sides of the 180th meridian."""
    corners = [
        (lat, lon) for lat in (-900_000_000, 900_000_000) for lon in (-1_800_000_000, 1_800_000_000)
    ]
    return [
        Record(k * HOUR, k % zones, k * HOUR, "far", days[0].index, *corners[k * k % 4])
        for k in range(12)
    ]


SHAPES: dict[str, Shape] = {
    shape.__name__: shape
    for shape in (
        hub,
        hermit,
        commuter,
        burst,
        two_devices,
        midnight,
        clock_change,
        sleepers,
        out_of_area,
        duplicates,
        ties,
        gaps,
        pendulum,
        spans,
        checkins,
        far_away,
    )
}
"""Every bad shape by name."""

FIXES_ONLY = [name for name in SHAPES if name not in {"spans", "checkins"}]
"""Shapes whose records are all fixes."""


def empty(_days: Days, _zones: int) -> list[Record]:
    """Nobody at all."""
    return []
