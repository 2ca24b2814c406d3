"""Events: the generic records that bad shapes are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

ELSEWHERE = -1
UNLABELLED = -1
_MIN = 60
_SPOTS = 400
_LABELS = 4


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """One record: a person is at a place, at an instant or for a span.

    Attributes:
        person: Who.
        date: Number of the date, from 0.
        at: Seconds since the date's start, at least 0 and below the date's length.
        place: Number of the place, from 0; ``ELSEWHERE`` is at none of them.
        until: End of the span in seconds since the date's start, at most the date's length; None
            for an instant.
        stated: Whether the record itself says that the person stays there, as a check-in does.
        label: What kind of place the record names, from 0 to 2, or ``UNLABELLED``.
        spot: Where within the place, from 0 to 399: metres, where places have an extent.
    """

    person: str
    date: int
    at: int
    place: int
    until: int | None = None
    stated: bool = False
    label: int = UNLABELLED
    spot: int = 0


def instant(person: str, date: int, at: int, place: int) -> Event:
    """Return a record of one instant, at a spot that changes with the minute."""
    return Event(person, date, at, place, spot=at // _MIN * 37 % _SPOTS)


def span(person: str, date: int, at: int, place: int, until: int) -> Event:
    """Return a record of a span that is a stated stay and names a kind of place."""
    named = (at // (10 * _MIN) + place) % _LABELS - 1
    return replace(instant(person, date, at, place), until=until, stated=True, label=named)


def checkin(person: str, date: int, at: int, place: int) -> Event:
    """Return a stated stay without an end that names a kind of place."""
    return replace(instant(person, date, at, place), stated=True, label=(at + place) % _LABELS - 1)
