"""The two laws over one data set: how far a person moves a table, and what no date may reach."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from road import ZONES, Road, Vectors

from dp.audits.distance import difference, exceeded, norms
from dp.audits.events import Event
from dp.audits.neighbours import neighbours

NIGHTLY = settings.get_current_profile_name() == "nightly"


def broken(road: Road, whole: Vectors, other: Vectors, gone: dict[int, str]) -> list[str]:
    """What breaks a law when, on each date, this person's records are gone."""
    found = []
    for name, one in road.measurements.items():
        people = {gone[d] for d in road.dates_read(one) if d in gone}
        change = norms(difference(whole[name], other[name]))
        if not people and change:
            found.append(f"{name} moved without a record of its dates")
        assert len(people) <= 1, "a table of several dates needs one person's window"
        if names := exceeded(change, one.bounds):
            found.append(f"{name} without {people}: {', '.join(names)}")
    return found


def some_gone(events: list[Event], dates: int) -> dict[int, str]:
    """Another person for each date, the last first."""
    chosen = {}
    for date in range(dates):
        people = sorted({event.person for event in events if event.date == date})
        if people:
            chosen[date] = people[-1 - date % len(people)]
    return chosen


def tried(
    road: Road, events: list[Event], *, elsewhere: tuple[int, int] | None = None
) -> list[str]:
    """Hold the laws over a data set; return what is broken.

    Args:
        road: The production road.
        events: The records.
        elsewhere: A date, and the way in which the records of all other dates are changed.
    """
    changed = [] if elsewhere is None else changed_elsewhere(events, *elsewhere)
    road.people([*events, *changed])
    whole, dates = road.count(events), len(road.days)
    gone = some_gone(events, dates)
    left = [e for e in events if gone.get(e.date) != e.person]
    found = broken(road, whole, road.count(left), gone)
    if elsewhere is not None:
        found += reached_from_elsewhere(road, whole, road.count(changed), elsewhere[0])
    if NIGHTLY:
        for window in (1, None):
            for one in neighbours(events, dates=dates, window=window):
                gone = dict.fromkeys(one.dates, one.person)
                found += broken(road, whole, road.count(one.events), gone)
    return found


def emptied(_own: list[Event], _others: list[Event], _date: int) -> list[Event]:
    return []


def moved(_own: list[Event], others: list[Event], _date: int) -> list[Event]:
    return [replace(e, place=(e.place + 1) % ZONES, person=e.person + "x") for e in others]


def copied(own: list[Event], _others: list[Event], date: int) -> list[Event]:
    return [replace(e, date=d) for e in own for d in range(-1, 4) if d != date]


def crowded(own: list[Event], others: list[Event], date: int) -> list[Event]:
    """Everybody of the date, everywhere on the other dates and on those around the release."""
    people = sorted({e.person for e in own})
    dates = [d for d in (-2, -1, 0, 1, 2, 3, 4) if d != date]
    return others + [
        Event(p, d, 3600 * k, k % ZONES) for p in people for d in dates for k in range(0, 22, 2)
    ]


WAYS = (emptied, moved, copied, crowded)


def changed_elsewhere(events: list[Event], date: int, way: int) -> list[Event]:
    """The records of a date as they are, and those of all other dates changed."""
    own = [e for e in events if e.date == date]
    return own + WAYS[way](own, [e for e in events if e.date != date], date)


def reached_from_elsewhere(road: Road, whole: Vectors, other: Vectors, date: int) -> list[str]:
    """Which tables of a date are not byte for byte the same."""
    return [
        f"{name} was reached from another date"
        for name, one in road.measurements.items()
        if road.dates_read(one) == {date} and whole[name].tobytes() != other[name].tobytes()
    ]


def interference(road: Road, events: list[Event], date: int, way: int) -> list[str]:
    """Which tables of a date move when the records of all other dates change."""
    changed = changed_elsewhere(events, date, way)
    road.people([*events, *changed])
    return reached_from_elsewhere(road, road.count(events), road.count(changed), date)
