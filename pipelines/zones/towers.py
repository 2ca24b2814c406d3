"""From a public tower table to shares of zones, date by date."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import ZoneError
from pipelines.schemas.calendar import Calendar
from pipelines.schemas.towers import PARTS, Assign, Towers, TowerShare
from pipelines.schemas.zones import OUTSIDE, ZoneSet
from pipelines.zones.voronoi import Place, containing, shares_of_cells

_OPEN = (dt.date.min, dt.date.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class TowerTable:
    """A declared tower table: a public CSV file and its columns.

    Attributes:
        path: The file.
        id, lat, lon: Columns: id, degrees of latitude and longitude (WGS 84).
        valid_from, valid_to: Columns with the first and the last date on which a line holds, as
            2026-03-02; an empty date is open, None is always.
    """

    path: Path
    id: str
    lat: str
    lon: str
    valid_from: str | None = None
    valid_to: str | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    tower: str
    place: Place
    first: dt.date
    last: dt.date


def load_towers(
    table: TowerTable, *, source: str, assign: Assign, zones: ZoneSet, calendar: Calendar
) -> Towers:
    """Return which zones each tower stands for on each date of a calendar.

    Dates on which the same lines hold share one tessellation; what a date gets depends on the lines
    that hold on it alone, so that a longer or shorter calendar changes nothing.

    Raises:
        ZoneError: a column is missing, a value cannot be read, one tower has two lines on a date,
            or no tower holds on some date.
    """
    lines = list(_lines(table, source))
    _single(lines, table, source)
    found: list[TowerShare] = []
    for first, last in _epochs(lines, calendar):
        held = sorted((line for line in lines if line.first <= first <= line.last), key=_id)
        if not held:
            raise ZoneError(f"{source}, towers: {table.path.name} has no tower valid on {first}.")
        parts = _shares([line.place for line in held], zones, assign)
        for line, shares in zip(held, parts, strict=True):
            found += _cut(line, shares, first, last)
    known = frozenset(line.tower for line in lines)
    return Towers(source=source, assign=assign, shares=tuple(sorted(found)), known=known)


def _id(line: _Line) -> str:
    return line.tower


def _lines(table: TowerTable, source: str) -> Iterator[_Line]:
    try:
        text = table.path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise ZoneError(f"{source}, towers: {table.path} cannot be read as UTF-8 text.") from None
    try:
        yield from _read(text, table, source)
    except csv.Error:
        raise ZoneError(f"{source}, towers: {table.path} cannot be read as CSV.") from None


def _read(text: str, table: TowerTable, source: str) -> Iterator[_Line]:
    rows = csv.DictReader(text.splitlines())
    wanted = [table.id, table.lat, table.lon, table.valid_from, table.valid_to]
    for name in wanted:
        if name is not None and name not in (rows.fieldnames or ()):
            known = ", ".join(rows.fieldnames or ())
            raise ZoneError(f"{source}, towers: no column {name!r}. The file has: {known}.")
    for number, row in enumerate(rows, start=2):
        try:
            yield _line(table, row)
        except (ValueError, TypeError):
            raise ZoneError(
                f"{source}, towers: {table.path.name}, line {number} cannot be read. Write an id, "
                "degrees of latitude and longitude, and dates such as 2026-03-02 or nothing."
            ) from None


def _line(table: TowerTable, row: Mapping[str, str]) -> _Line:
    lat, lon = float(row[table.lat]), float(row[table.lon])
    ends = [
        dt.date.fromisoformat(row[name]) if name and row[name] else end
        for name, end in zip((table.valid_from, table.valid_to), _OPEN, strict=True)
    ]
    if not (row[table.id] and abs(lat) <= 90 and abs(lon) <= 180 and ends[0] <= ends[1]):  # noqa: PLR2004
        raise ValueError
    return _Line(row[table.id], Place.of(lat, lon), *ends)


def _single(lines: Sequence[_Line], table: TowerTable, source: str) -> None:
    last: dict[str, dt.date] = {}
    for line in sorted(lines, key=lambda line: (line.tower, line.first)):
        if line.tower in last and line.first <= last[line.tower]:
            raise ZoneError(
                f"{source}, towers: {table.path.name} has two lines of tower {line.tower!r} that "
                "hold on one date. Write spans that do not overlap."
            )
        last[line.tower] = line.last


def _epochs(lines: Sequence[_Line], calendar: Calendar) -> Iterator[tuple[dt.date, dt.date]]:
    """Return the spans of dates on which the same lines hold."""
    dates = [day.date for day in calendar.dates]
    held = [tuple(line.first <= date <= line.last for line in lines) for date in dates]
    start = 0
    for i in range(1, len(dates) + 1):
        if i == len(dates) or held[i] != held[start]:
            yield dates[start], dates[i - 1]
            start = i


def _shares(
    places: Sequence[Place], zones: ZoneSet, assign: Assign
) -> list[list[tuple[int, float]]]:
    if assign == "containing":
        return [[(zone, 1.0)] for zone in containing(places, zones)]
    cells = shares_of_cells(places, zones)
    if assign == "voronoi":
        return cells
    return [[(min(cell, key=_rank)[0], 1.0)] for cell in cells]


def _rank(part: tuple[int, float]) -> tuple[int, bool, int]:
    """The largest share first; of equal ones a zone before outside, then published order."""
    zone, share = part
    return -round(share * PARTS), zone == OUTSIDE, zone


def _cut(
    line: _Line, shares: Sequence[tuple[int, float]], first: dt.date, last: dt.date
) -> Iterator[TowerShare]:
    """Return shares as whole parts that fill [0, PARTS): each end is rounded down."""
    ends, total, summed = [], sum(share for _, share in shares), 0.0
    for _, share in shares:
        summed += share
        ends.append(int(PARTS * (summed / total)))
    ends[-1] = PARTS
    low = 0
    for (zone, _), high in zip(shares, ends, strict=True):
        if high > low:
            place = line.place
            yield TowerShare(line.tower, first, last, zone, low, high, place.lat_e7, place.lon_e7)
        low = high
