"""Reading a public outages file: its rows as written, or every fault of its form."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from pipelines.errors import SpecError
from pipelines.schemas.outages import DeclaredOutage
from pipelines.spec.text import read_text

if TYPE_CHECKING:
    from pathlib import Path

_SPAN = ("from", "to")
COLUMNS = (("zone", *_SPAN), ("tower", *_SPAN), ("zone", "tower", *_SPAN))
EVERY_ZONE = "*"
_ROW = {
    COLUMNS[0]: "a row has a zone, a start and an end. Write"
    ' "A12,2026-03-02T09:00,2026-03-02T17:30", or * for every zone.',
    COLUMNS[1]: "a row has a tower, a start and an end. Write"
    ' "t7,2026-03-02T09:00,2026-03-02T17:30".',
    COLUMNS[2]: "a row has a zone or a tower, not both, a start and an end. Write"
    ' "A12,,2026-03-02T09:00,2026-03-02T17:30" or ",t7,2026-03-02T09:00,2026-03-02T17:30".',
}
_HEADER = "Write the header line: zone,from,to or tower,from,to or zone,tower,from,to"


def read_outages(path: Path) -> tuple[DeclaredOutage, ...]:
    """Return the rows of an outages file; zones and times are checked when a plan is made.

    Raises:
        SpecError: the file is not UTF-8 CSV of ``from,to`` after ``zone``, ``tower`` or both; one
            line a fault.
    """
    text = read_text(path, what="an outages file", largest_mb=10, fix=f"{_HEADER}.")
    try:
        lines = list(csv.reader(io.StringIO(text)))
    except csv.Error as fault:
        raise SpecError(f"{path} cannot be read as CSV: {fault}. {_HEADER}.") from None
    if not lines:
        raise SpecError(f"{path}: the file is empty. {_HEADER}.")
    header = tuple(name.strip() for name in lines[0])
    if header not in COLUMNS:
        raise SpecError(f"{path}, line 1: the columns cannot be read. {_HEADER}.")
    found: list[str] = []
    rows: list[DeclaredOutage] = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        place = f"{path}, line {number}"
        row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        zone, tower = row.get("zone", ""), row.get("tower", "")
        whole = len(cells) == len(header) and row["from"] and row["to"]
        if not whole or bool(zone) == bool(tower):
            found.append(f"{place}: {_ROW[header]}")
            continue
        rows.append(
            DeclaredOutage(zone=zone, tower=tower, start=row["from"], end=row["to"], place=place)
        )
    if found:
        raise SpecError("\n".join(found))
    return tuple(rows)
