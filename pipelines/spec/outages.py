"""Reading a public outages file: its rows as written, or every fault of its form."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from pipelines.errors import SpecError
from pipelines.schemas.outages import DeclaredOutage

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("zone", "from", "to")
EVERY_ZONE = "*"
_LARGEST_BYTES = 10_000_000
_HEADER = "Write the header line: zone,from,to"


def read_outages(path: Path) -> tuple[DeclaredOutage, ...]:
    """Return the rows of an outages file; zones and times are checked when a plan is made.

    Raises:
        SpecError: the file is not UTF-8 CSV of the columns ``zone,from,to``; one line a fault.
    """
    lines = list(csv.reader(io.StringIO(_text(path))))
    if not lines:
        raise SpecError(f"{path}: the file is empty. {_HEADER}.")
    header = tuple(name.strip() for name in lines[0])
    if "tower" in header:
        raise SpecError(
            f"{path}, line 1: outages are declared by zone, because every published cell is a"
            f" zone's. Write for each tower the zones that it leaves without service. {_HEADER}."
        )
    if header != COLUMNS:
        raise SpecError(f"{path}, line 1: the columns must be zone,from,to. {_HEADER}.")
    found: list[str] = []
    rows: list[DeclaredOutage] = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        place = f"{path}, line {number}"
        values = [cell.strip() for cell in cells]
        if len(values) != len(COLUMNS) or not all(values):
            found.append(
                f"{place}: a row has a zone, a start and an end. Write"
                ' "A12,2026-03-02T09:00,2026-03-02T17:30", or * for every zone.'
            )
            continue
        rows.append(DeclaredOutage(zone=values[0], start=values[1], end=values[2], place=place))
    if found:
        raise SpecError("\n".join(found))
    return tuple(rows)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise SpecError(f"{path} is larger than 10 MB: is it an outages file? {_HEADER}.")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise SpecError(
            f"{path} is not UTF-8 text (byte {fault.start}). Save it as UTF-8 in your editor."
        ) from None
    except OSError as fault:
        raise SpecError(f"{path} cannot be read: {fault.strerror}.") from None
