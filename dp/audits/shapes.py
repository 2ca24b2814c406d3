"""Bad shapes: small sets of records on which wrong bounds break where random ones do not.

A wrong bound can pass hundreds of uniform worlds and fall at once where one person is everywhere.
Each shape is a function of public dates and a number of places and gives events: who, on which
date, at which second, at which place. What a place is, the caller decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from dp.audits.events import ELSEWHERE, Event, checkin, instant, span

_MIN = 60
_HOUR = 3600

Dates = Sequence[int]
"""Seconds of each date: a public fact; 86,400 but where clocks change."""
Shape = Callable[[Dates, int], list[Event]]


def _resident(person: str, dates: Dates, place: int) -> list[Event]:
    return [
        instant(person, d, t, place)
        for d, length in enumerate(dates)
        for t in range(0, length, 100 * _MIN)
    ]


def hub(dates: Dates, places: int) -> list[Event]:
    """One person stays in every place, again and again, among people who stay in one."""
    hopper = [
        instant("hub", d, t, (t // (25 * _MIN) + 2 * d) % places)
        for d, length in enumerate(dates)
        for t in range(0, length, 25 * _MIN)
    ]
    return hopper + [e for i in range(3) for e in _resident(f"resident{i}", dates, i % places)]


def hermit(dates: Dates, places: int) -> list[Event]:
    """People with one record, with none at night, and with one place all day."""
    return [
        instant("once", 0, 12 * _HOUR, 0),
        instant("once", len(dates) - 1, 0, places - 1),
        *[instant("evening", 0, t, 1) for t in range(14 * _HOUR, 18 * _HOUR, 20 * _MIN)],
        *_resident("home", dates, 2 % places),
    ]


def commuter(dates: Dates, places: int) -> list[Event]:
    """Home, work, home, by different routes; one works elsewhere."""
    found = []
    for i in range(4):
        home, work = i % places, (i + places // 2) % places if i else ELSEWHERE
        for d in range(len(dates)):
            late = (i + 3 * d) * 7 * _MIN
            found += [instant(f"c{i}", d, t, home) for t in range(0, 4 * _HOUR, _HOUR + 11)]
            found += [
                instant(f"c{i}", d, t + late, work) for t in range(5 * _HOUR, 13 * _HOUR, _HOUR)
            ]
            found += [
                instant(f"c{i}", d, t + late, home) for t in range(14 * _HOUR, 22 * _HOUR, _HOUR)
            ]
    return found


def burst(dates: Dates, places: int) -> list[Event]:
    """Hundreds of records within minutes, one or two a second."""
    return [
        instant(person, 0, 9 * _HOUR + (i * step) // 2, (i * i) % places)
        for person, step in (("burst", 1), ("storm", 7))
        for i in range(200)
    ] + _resident("calm", dates, 0)


def two_devices(dates: Dates, places: int) -> list[Event]:
    """One person's device at home and device at work, united: two places at a time."""
    return [
        instant("two", d, t + offset, place)
        for d, length in enumerate(dates)
        for offset, place in ((0, d % places), (3 * _MIN, places - 1))
        for t in range(0, length - _HOUR, 17 * _MIN)
    ] + _resident("one", dates, 1)


def midnight(dates: Dates, places: int) -> list[Event]:
    """Records around midnight, at a date's first second and at its last."""
    found = []
    for d, length in enumerate(dates):
        last = length - 1
        found += [instant("edge", d, t, 0) for t in (0, 1, last - 1, last)]
        found += [instant("flip", d, t, z) for t, z in ((0, 0), (1, 1), (last - 1, 1), (last, 0))]
        found += [
            instant("owl", d, t, (t // _HOUR) % places) for t in range(18 * _HOUR, last, 29 * _MIN)
        ]
        found += [instant("last", d, last, 2 % places)]
    return found


def clock_change(dates: Dates, places: int) -> list[Event]:
    """Records every half hour to the very end of dates of 23, 24 and 25 hours."""
    return [
        instant(f"clock{k}", d, min(t + k, length - 1), (t // (90 * _MIN) + k) % places)
        for k in range(3)
        for d, length in enumerate(dates)
        for t in range(0, length, 30 * _MIN)
    ]


def sleepers(dates: Dates, _places: int) -> list[Event]:
    """A crowd whose nights rest on one long gap, one who is awake in its middle."""
    crowd = [
        instant(f"sleeper{i}", d, t, 0)
        for i in range(12)
        for d in range(len(dates))
        for t in (15 * _HOUR, 16 * _HOUR, 22 * _HOUR + d)
    ]
    turns = [
        instant("turns", d, t, 0)
        for d in range(len(dates))
        for t in (15 * _HOUR, 16 * _HOUR, 22 * _HOUR)
    ]
    awake = [instant(("awake", "turns")[d % 2], d, 19 * _HOUR, 1) for d in range(len(dates))]
    return crowd + turns + awake


def out_of_area(dates: Dates, places: int) -> list[Event]:
    """People who leave all places, come back, sleep elsewhere, or are never inside."""
    found = []
    for d in range(len(dates)):
        for k in range(0, 22 * _HOUR, 2 * _HOUR):
            inside = k // _HOUR % places
            found.append(instant("border", d, k, ELSEWHERE if k % (4 * _HOUR) else inside))
            found.append(instant("abroad", d, k, ELSEWHERE))
        found += [instant("guest", d, t, 0) for t in range(0, 17 * _HOUR, _HOUR)]
        found += [instant("guest", d, t, ELSEWHERE) for t in range(18 * _HOUR, 23 * _HOUR, _HOUR)]
    return found


def duplicates(dates: Dates, places: int) -> list[Event]:
    """Every record several times, in another order."""
    found = 3 * commuter(dates, places)
    order = sorted(range(len(found)), key=lambda i: i * 2_654_435_761 % 2**32)
    return [found[i] for i in order]


def ties(_dates: Dates, places: int) -> list[Event]:
    """Several places and several spots at one instant."""
    found = []
    for t in range(0, 20 * _HOUR, 2 * _HOUR):
        for place in (ELSEWHERE, *range(places)):
            found += [Event("tie", 0, t, place, spot=spot) for spot in (5, 2)]
        found += [instant("pair", 0, t, place) for place in (t // _HOUR % places, places - 1)]
    return found


def gaps(_dates: Dates, _places: int) -> list[Event]:
    """Gaps of whole hours and of a second more, by day and by night, to one place and another."""
    found = []
    for start in (0, 15 * _HOUR):
        for k, limit in enumerate((_HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR)):
            for slip in (0, 1):
                for there in (0, 1):
                    person = f"gap-{start}-{k}-{slip}-{there}"
                    found.append(instant(person, 0, start, 0))
                    found.append(instant(person, 0, start + limit + slip, there))
    return found


def pendulum(dates: Dates, places: int) -> list[Event]:
    """Moves between the same two places all day: one cell holds more than any cap."""
    return [
        instant(person, d, t, t // (21 * _MIN) % 2)
        for person in ("left", "right")
        for d in range(len(dates))
        for t in range(0, 22 * _HOUR, 21 * _MIN)
    ] + commuter(dates, places)


def spans(dates: Dates, places: int) -> list[Event]:
    """Spans: nested, overlapping, touching, empty, cut at the date's end."""
    found = []
    for d, end in enumerate(dates):
        found += [
            span("nest", d, _HOUR, 0, 10 * _HOUR),
            span("nest", d, 2 * _HOUR, 0, 3 * _HOUR),
            span("nest", d, 4 * _HOUR, 1, 5 * _HOUR),
            span("nest", d, 9 * _HOUR, 1, 9 * _HOUR + 1),
            span("touch", d, 0, 0, 6 * _HOUR),
            span("touch", d, 6 * _HOUR, 1, 12 * _HOUR),
            span("touch", d, 12 * _HOUR, 1, end),
            span("cut", d, end - 19 * _MIN, 2 % places, end),
            span("cut", d, 0, 2 % places, 5 * _MIN),
            span("same", d, _HOUR, 0, 9 * _HOUR),
            span("same", d, _HOUR, 1, 2 * _HOUR),
            span("shadow", d, 0, 0, end),
            span("shadow", d, 1, 1, end),
            span("empty", d, 3 * _HOUR, 0, 3 * _HOUR),
        ]
    return found


def checkins(dates: Dates, places: int) -> list[Event]:
    """Stated stays without an end, some a second apart, one alone."""
    found = [checkin("alone", 0, 7 * _HOUR, 0)]
    for d in range(len(dates)):
        found += [checkin("many", d, 9 * _HOUR + k, k % places) for k in range(12)]
        found += [checkin("tour", d, k * _HOUR, k % places) for k in range(10)]
        found += [instant("mixed", d, k * 5 * _MIN, k % places) for k in range(10)]
        found += [checkin("mixed", d, 47 * _MIN, 0)]
        found += [checkin("crowded", d, t, z) for t in (0, 99) for z in range(places - 1, -1, -1)]
    return found


def together(dates: Dates, places: int) -> list[Event]:
    """Three people who do the same at the same seconds: rows alike but for who they are."""
    alike = [e for e in commuter(dates, places) if e.person == "c1"]
    return [replace(e, person=f"twin{i}") for i in range(3) for e in alike]


def mimic(dates: Dates, places: int) -> list[Event]:
    """One person repeats, to the second and the spot, the only records of each of many others."""
    found = []
    for d in range(len(dates)):
        for i in range(12):
            twice = [instant(f"other{i}", d, t + i, i % places) for t in (15 * _HOUR, 16 * _HOUR)]
            found += [*twice, *(replace(e, person="mimic") for e in twice)]
    return found


def mover(dates: Dates, places: int) -> list[Event]:
    """People who live in one place on early dates and in another on late ones.

    Where dates are read together, taking some of them out moves such a person instead of taking
    them away: one at a time moves on a different date, and one is there on every other date only.
    """
    found = []
    for move in range(len(dates) + 1):
        for d, length in enumerate(dates):
            home = (0 if d < move else 1) % places
            found += [instant(f"mover{move}", d, t, home) for t in range(0, length, 50 * _MIN)]
    for d in range(0, len(dates), 2):
        found += [
            instant("every other", d, t, d // 2 % places) for t in range(0, dates[d], 50 * _MIN)
        ]
    return found


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
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
            together,
            mimic,
            mover,
        )
    }
)
"""Every bad shape by name."""

INSTANTS_ONLY = tuple(name for name in SHAPES if name not in {"spans", "checkins"})
"""Shapes without spans and without stated stays."""
