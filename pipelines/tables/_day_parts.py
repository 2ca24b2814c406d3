"""Parts of a mobility day, cut at public local hours."""

from __future__ import annotations

import datetime as dt
import re
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

from dp.keys import Key
from pipelines.errors import SpecError
from pipelines.schemas.calendar import Calendar, MobilityDay
from pipelines.schemas.measured import CappedParams
from pipelines.schemas.world import World
from pipelines.traces.dates import by_date

DAY_PART = "part of the date in local time; the hour that a clock change skips or repeats keeps it"
_PART = re.compile(r"([01]\d|2[0-3])-([01]\d|2[0-3])", re.ASCII)
_HOURS = 24


def _hours(part: str) -> tuple[int, int]:
    found = _PART.fullmatch(part)
    if not found:
        raise ValueError(
            f'day_parts must be spans of full hours, got "{part[:20]}". Write '
            'day_parts = ["04-10", "10-16", "16-22", "22-04"].'
        )
    return int(found[1]), int(found[2])


def _whole_day(parts: tuple[str, ...]) -> tuple[str, ...]:
    spans = [_hours(part) for part in parts]
    for (_, end), (start, _) in pairwise([*spans, *spans[:1]]):
        if end != start:
            raise ValueError(
                f"day_parts must follow each other and close the day: one ends at {end:02}, the "
                f"next starts at {start:02}. Write each end as the start of the next."
            )
    if parts and sum((end - start) % _HOURS or _HOURS for start, end in spans) != _HOURS:
        raise ValueError("day_parts must cover the 24 hours once. Write each hour in one part.")
    return parts


class DayPartParams(CappedParams):
    """Parameters of a table that may be cut into parts of the day."""

    day_parts: Annotated[
        tuple[str, ...],
        Field(max_length=_HOURS, exclude_if=lambda parts: not parts),
        AfterValidator(_whole_day),
    ] = ()
    """Spans of local hours that cover the day in order, the first from its start; none: no parts.
    A trip belongs to the part in which it departs."""


def part_keys(world: World, params: DayPartParams) -> tuple[Key, ...]:
    """Return the key column ``day_part``, or nothing where the spec asks for none.

    Raises:
        SpecError: the first part does not start where the series' dates start.
    """
    if not params.day_parts:
        return ()
    begins = _hours(params.day_parts[0])[0]
    starts = world.calendar.day_starts
    if starts != dt.time(begins):
        raise SpecError(
            f"tables, {params.table}: day_parts start at {begins:02}:00, but dates start at "
            f"{starts:%H:%M}. Write parts of which the first starts then."
        )
    return (Key("day_part", params.day_parts),)


def part_code(world: World, params: DayPartParams, instant: str) -> str:
    """Return SQL for the number of the part that holds an instant (seconds) of a row with ``d``."""
    calendar = world.calendar
    tests = [
        f"CASE WHEN {instant} >= {_cut_sql(calendar, _hours(part)[0])} THEN 1 ELSE 0 END"
        for part in params.day_parts[1:]
    ]
    return f"({' + '.join(tests) or '0'})"


def _cut_sql(calendar: Calendar, hour: int) -> str:
    """Return SQL for the second of its date at which a row's local clock reaches an hour."""
    return by_date([_cut_s(calendar, day, hour) for day in calendar.dates])


def _cut_s(calendar: Calendar, day: MobilityDay, hour: int) -> int:
    time = dt.time(hour)
    later = dt.timedelta(days=0 if time >= calendar.day_starts else 1)
    return calendar.instant_s(day.date + later, time) - day.start_s
