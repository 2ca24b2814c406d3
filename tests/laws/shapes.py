"""The bad shapes of ``dp.audits.shapes`` as records in zones, and some that only a map can have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from harness import spot
from reference import Record

from dp.audits import shapes
from dp.audits.events import ELSEWHERE, Event
from pipelines.schemas.calendar import MobilityDay

HOUR = 3600
OUT = ELSEWHERE
Days = Sequence[MobilityDay]
Shape = Callable[[Days, int], list[Record]]


def record_of(event: Event, days: Days) -> Record:
    """An event at a place as a record in a zone, at a point of that zone."""
    return Record(
        event.at,
        event.place,
        event.at if event.until is None else event.until,
        event.person,
        days[event.date].index,
        **spot(event.place, east_m=event.spot),
        declared=event.stated,
        category=event.label,
    )


def _records(shape: shapes.Shape, days: Days, zones: int) -> list[Record]:
    return [record_of(event, days) for event in shape([day.length_s for day in days], zones)]


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
    **{name: partial(_records, shape) for name, shape in shapes.SHAPES.items()},
    "far_away": far_away,
}
"""Every bad shape by name."""

FIXES_ONLY = [*shapes.INSTANTS_ONLY, "far_away"]
"""Shapes whose records are all fixes."""


def empty(_days: Days, _zones: int) -> list[Record]:
    """Nobody at all."""
    return []
