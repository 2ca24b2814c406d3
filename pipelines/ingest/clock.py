"""Instants and mobility days in whole numbers: a CASE over a few public moments, no time library.

A zone's offset changes a few times a year, and the length of a mobility day with it. Both are
public and few, so that a time becomes (date number, second of the date) by comparisons, additions
and one division: the same in every engine, exact on days of 23 and 25 hours.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

from pipelines.schemas.calendar import Calendar

_STEP_S = 6 * 3600
"""No zone changes its offset twice within this time."""
MARGIN_S = 2 * 86_400
"""Beyond this far from the period no offset can bring a time into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The span of a release: [start_s, end_s) in seconds since 1970-01-01 UTC."""

    start_s: int
    end_s: int

    @classmethod
    def of(cls, calendar: Calendar) -> Period:
        """Return the span of all dates of a calendar."""
        return cls(start_s=calendar.dates[0].start_s, end_s=calendar.dates[-1].end_s)

    @property
    def length_s(self) -> int:
        """Seconds in the period."""
        return self.end_s - self.start_s


def offset_changes(zone: ZoneInfo, period: Period) -> list[tuple[int, int]]:
    """Return (instant, offset in seconds from then on), first the offset before all changes."""
    first, last = period.start_s - 2 * MARGIN_S, period.end_s + 2 * MARGIN_S
    steps = [*range(first, last, _STEP_S), last]
    found = [(first, _offset(zone, first))]
    for low, high in pairwise(steps):
        if _offset(zone, high) != found[-1][1]:
            change = _bisect(zone, low, high)
            found.append((change, _offset(zone, change)))
    return found


def instant(local: str, zone: ZoneInfo, period: Period, *, scale: int) -> str:
    """Return SQL for the instant at which the zone's clocks show ``local``.

    A local time that comes twice is read as the first. A local time that is skipped is no time:
    NULL. Good within the period and two days around it.

    Args:
        local: SQL of a local time as a number since 1970-01-01T00:00, in ``scale`` to the second.
        zone: The zone.
        period: The period.
        scale: 1, 1,000, 1,000,000 or 1,000,000,000.
    """
    changes = offset_changes(zone, period)
    cases = ""
    for (_, before), (at_s, after) in pairwise(changes):
        cases += f"WHEN {local} < {(at_s + before) * scale} THEN {local} - {before * scale} "
        if after > before:
            cases += f"WHEN {local} < {(at_s + after) * scale} THEN NULL "
    last = f"{local} - {changes[-1][1] * scale}"
    return f"CASE {cases}ELSE {last} END" if cases else f"({last})"


def clipped(number: str, period: Period, *, scale: int) -> str:
    """Return SQL for a number of ticks held to the period and two days around it.

    Sums of what comes out cannot overflow, and nothing inside the period moves.
    """
    low = (period.start_s - MARGIN_S) * scale
    high = (period.end_s + MARGIN_S) * scale
    held = f"WHEN {number} < {low} THEN {low} WHEN {number} > {high} THEN {high}"
    return f"CASE {held} ELSE {number} END"


def date_number(second: str, calendar: Calendar) -> str:
    """Return SQL for the number of the date that holds a second of the period (0 or more)."""
    return _by_segment(
        second, calendar, one="{first}", many="{first} + ({second} - {start}) // {length}"
    )


def second_of_date(second: str, calendar: Calendar) -> str:
    """Return SQL for the second of its date, of a second of the period (0 or more)."""
    return _by_segment(
        second, calendar, one="{second} - {start}", many="({second} - {start}) % {length}"
    )


def _by_segment(second: str, calendar: Calendar, *, one: str, many: str) -> str:
    """Return SQL by segments of dates of one length; where a segment is one date none is told."""
    start_s = calendar.dates[0].start_s
    cases = []
    for first, at_s, length_s, end_s in _segments(calendar):
        formula = one if end_s - at_s == length_s else many
        value = formula.format(first=first, second=second, start=at_s - start_s, length=length_s)
        cases.append((end_s - start_s, value))
    if len(cases) == 1:
        return f"CAST({cases[0][1]} AS INTEGER)"
    head = "".join(f"WHEN {second} < {end} THEN {value} " for end, value in cases[:-1])
    return f"CAST(CASE {head}ELSE {cases[-1][1]} END AS INTEGER)"


def _segments(calendar: Calendar) -> list[tuple[int, int, int, int]]:
    """Return (number of the first date, its start, seconds in each date, end of the last)."""
    found: list[tuple[int, int, int, int]] = []
    for day in calendar.dates:
        if found and found[-1][2] == day.length_s:
            first, at_s, length_s, _ = found[-1]
            found[-1] = (first, at_s, length_s, day.end_s)
        else:
            found.append((day.index, day.start_s, day.length_s, day.end_s))
    return found


def _offset(zone: ZoneInfo, at_s: int) -> int:
    offset = dt.datetime.fromtimestamp(at_s, zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds())


def _bisect(zone: ZoneInfo, low: int, high: int) -> int:
    """Return the first second at which the zone's offset is no longer that of ``low``."""
    before = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high
