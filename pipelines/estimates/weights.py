"""Public weights from a file: per zone, stratum and epoch, with their sd."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from pipelines.errors import SpecError
from pipelines.estimates.panel import ZoneWeights, area_weight

AREA = "*"
UNKNOWN = "unknown"
NEEDED = ("zone", "weight", "sd_weight")
_DATES = ("from", "to")
_HEADER = "Write the header line: zone,weight,sd_weight"
_LARGEST = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightRow:
    """One row of a weights file.

    Attributes:
        zone: A zone id, "*" for the whole area, or "unknown" for people of unknown zone.
        weight: People that one panel person stands for.
        sd: Standard deviation of the weight.
        start: First date that it holds for; None for every date before ``end``.
        end: Last date.
        stratum: Value of each stratum column, "" for all; in the file's column order.
        place: File and line, for messages.
    """

    zone: str
    weight: float
    sd: float
    start: dt.date | None
    end: dt.date | None
    stratum: tuple[tuple[str, str], ...]
    place: str = field(compare=False, repr=False)

    def holds(self, date: dt.date) -> bool:
        """Return whether the row holds for a date."""
        return (self.start is None or self.start <= date) and (self.end is None or date <= self.end)

    def as_list(self) -> list[str]:
        """Return the row as text, for hashing and for the copy in a release folder."""
        dates = ["" if d is None else d.isoformat() for d in (self.start, self.end)]
        values = [value for _, value in self.stratum]
        return [self.zone, repr(self.weight), repr(self.sd), *dates, *values]


def parse_weights(text: str, *, name: str) -> tuple[WeightRow, ...]:
    """Return the rows of a weights file.

    Args:
        text: CSV with the columns zone, weight, sd_weight; if weights change, also from and to
            (dates, both included, empty for open); any other column is a stratum, named like the
            key column that it belongs to.
        name: The file, for messages.

    Raises:
        SpecError: one line a fault.
    """
    try:
        lines = list(csv.reader(io.StringIO(text)))
    except csv.Error as fault:
        raise SpecError(f"{name} cannot be read as CSV: {fault}. {_HEADER}.") from None
    header = [cell.strip() for cell in lines[0]] if lines else []
    missing = [column for column in NEEDED if column not in header]
    if missing or len(set(header)) != len(header):
        what = f"no column {', '.join(missing)}" if missing else "a column occurs twice"
        raise SpecError(f"{name}, line 1: {what}. {_HEADER}.")
    found: list[str] = []
    rows: list[WeightRow] = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        place = f"{name}, line {number}"
        try:
            rows.append(_row(_named(header, cells), place))
        except ValueError as fault:
            found.append(f"{place}: {fault}")
    if not rows and not found:
        found.append(f"{name}: no weights in it. Write a row for each zone, or one for {AREA}.")
    found += _twice(rows)
    if found:
        raise SpecError("\n".join(found))
    return tuple(rows)


def weights_text(rows: Iterable[WeightRow]) -> str:
    """Return the rows as CSV: the same bytes for the same rows."""
    kept = list(rows)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*NEEDED, *_DATES, *(column for column, _ in kept[0].stratum)])
    writer.writerows(row.as_list() for row in kept)
    return out.getvalue()


def check_weights(rows: Iterable[WeightRow], *, zones: tuple[str, ...]) -> list[str]:
    """Return faults that show once the zones are known: names of no zone, zones without weight."""
    kept, known = list(rows), {*zones, AREA, UNKNOWN}
    found = [
        f'{row.place}: "{row.zone}" is no zone. Write a zone id of the spec\'s zones, or {AREA} for'
        " the whole area."
        for row in kept
        if row.zone not in known
    ]
    named = {row.zone for row in kept}
    bare = [zone for zone in zones if zone not in named]
    if bare and AREA not in named:
        found.append(
            f'estimates: {len(bare)} zones have no weight, the first is "{bare[0]}". Write a row'
            f" for each, or a row with zone {AREA} for all that have none."
        )
    return found


def weights_on(
    rows: Iterable[WeightRow],
    *,
    date: dt.date,
    zones: tuple[str, ...],
    population: tuple[int | None, ...],
    stratum: Mapping[str, str],
) -> ZoneWeights:
    """Return the weights of one date and stratum. A row of the very stratum goes before one of all.

    Without a row for the whole area its weight follows from those of the zones and the declared
    populations (equal ones where none are declared).

    Raises:
        SpecError: a zone has no weight on that date.
    """
    best: dict[str, tuple[int, WeightRow]] = {}
    for row in rows:
        if not row.holds(date):
            continue
        said = [(column, value) for column, value in row.stratum if value]
        if any(stratum.get(column) != value for column, value in said):
            continue
        if row.zone not in best or len(said) > best[row.zone][0]:
            best[row.zone] = (len(said), row)
    area = best[AREA][1] if AREA in best else None
    picked = [best[zone][1] if zone in best else area for zone in zones]
    bare = [zone for zone, row in zip(zones, picked, strict=True) if row is None]
    if bare:
        raise SpecError(
            f'estimates: zone "{bare[0]}" has no weight on {date}. Write a row that holds then.'
        )
    weight = np.array([row.weight for row in picked if row is not None])
    sd = np.array([row.sd for row in picked if row is not None])
    people = np.array([float(p or 0) for p in population])
    people = people if (people > 0).all() else np.ones(len(zones))
    whole = area_weight(weight, sd, people)
    if area is not None:
        whole = (area.weight, area.sd)
    return ZoneWeights(
        weight=weight,
        sd=sd,
        base=np.full(len(zones), np.inf),
        own=np.array([zone in best for zone in zones]),
        area=whole[0],
        sd_area=whole[1],
    )


def unknown_weight(
    rows: Iterable[WeightRow], *, date: dt.date, weights: ZoneWeights
) -> tuple[float, float]:
    """Return weight and sd of people whose zone is unknown: their own row, else the area's."""
    for row in rows:
        if row.zone == UNKNOWN and row.holds(date):
            return row.weight, row.sd
    return weights.area, weights.sd_area


def _named(header: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(header):
        raise ValueError(f"{len(header)} values are due, got {len(cells)}.")
    return dict(zip(header, (cell.strip() for cell in cells), strict=True))


def _row(said: Mapping[str, str], place: str) -> WeightRow:
    if not said["zone"]:
        raise ValueError(f"zone is missing. Write a zone id, or {AREA} for the whole area.")
    columns = [column for column in said if column not in (*NEEDED, *_DATES)]
    start, end = (_date(said.get(column, ""), column) for column in _DATES)
    if start and end and end < start:
        raise ValueError(f"to must not be before from, got {start} to {end}.")
    return WeightRow(
        zone=said["zone"],
        weight=_number(said["weight"], "weight", least=1.0),
        sd=_number(said["sd_weight"], "sd_weight", least=0.0),
        start=start,
        end=end,
        stratum=tuple((column, said[column]) for column in columns),
        place=place,
    )


def _number(text: str, column: str, *, least: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= _LARGEST:
        hint = " A panel person stands for at least herself." if column == "weight" else ""
        raise ValueError(f'{column} must be a number of {least:g} or more, got "{text}".{hint}')
    return value


def _date(text: str, column: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f'{column} must be a date, got "{text}". Write 2026-03-02.') from None


def _twice(rows: list[WeightRow]) -> list[str]:
    """Return a fault for each row that holds where an earlier row of its zone does."""
    found = []
    spans: dict[tuple[str, tuple[tuple[str, str], ...]], list[WeightRow]] = {}
    for row in rows:
        earlier = spans.setdefault((row.zone, row.stratum), [])
        for other in earlier:
            if _ordinal(row.start, 0) <= _ordinal(other.end, 10**7) and _ordinal(
                other.start, 0
            ) <= _ordinal(row.end, 10**7):
                line = other.place.rpartition(", ")[2]
                found.append(
                    f'{row.place}: "{row.zone}" has another weight for some of these dates, in'
                    f" {line}. Keep one of the two."
                )
        earlier.append(row)
    return found


def _ordinal(date: dt.date | None, otherwise: int) -> int:
    return otherwise if date is None else date.toordinal()
