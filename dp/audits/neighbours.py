"""Neighbouring data sets: without one person, or without what one person did in one window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dp.audits.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A data set and what was taken out of it.

    Attributes:
        person: Whose records are gone.
        dates: Numbers of the dates whose records of that person are gone.
        events: What is left.
    """

    person: str
    dates: range
    events: list[Event] = field(repr=False)


def neighbours(
    events: Sequence[Event], *, dates: int, window: int | None = None, most: int | None = None
) -> Iterator[Neighbour]:
    """Yield the data sets that differ from this one by one person's window of dates.

    Windows in which a person has no record give no neighbour: nothing would change.

    Args:
        events: The records of everybody.
        dates: How many dates there are.
        window: Length of a window in dates; None for all dates at once.
        most: How many persons to take out, spread over all by name and with the last; None for
            each.

    Raises:
        ValueError: a window or a number of persons below 1.
    """
    if window is not None and window < 1:
        raise ValueError(f"window must be 1 or more dates, got {window}")
    for person in some_persons(events, most):
        active = {event.date for event in events if event.person == person}
        for start in range(max(1, dates - (window or dates) + 1)):
            gone = range(start, min(dates, start + (window or dates)))
            if active & set(gone):
                yield Neighbour(person=person, dates=gone, events=without(events, person, gone))


def without(events: Sequence[Event], person: str, dates: range | None = None) -> list[Event]:
    """Return the events without one person's: on these dates, or on all of them."""
    return [e for e in events if e.person != person or (dates is not None and e.date not in dates)]


def some_persons(events: Sequence[Event], most: int | None) -> list[str]:
    """Return everybody by name, or ``most`` of them, evenly spread and with the last.

    Raises:
        ValueError: ``most`` is below 1.
    """
    people = sorted({event.person for event in events})
    if most is not None and most < 1:
        raise ValueError(f"most must be 1 or more persons, got {most}")
    if most is None or len(people) <= most:
        return people
    return [people[-1 - i * len(people) // most] for i in range(most)][::-1]
