"""The lookup of a grid: rows by integer division, columns by a public table of one row a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from pipelines.schemas.zones import OUTSIDE
from pipelines.zones.coordinates import AROUND, Ints, x_sql, y_sql

ROWS = "zone_rows"
SLOTS = "zone_slots"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridLookup:
    """How a point finds its grid cell.

    A row's cells stand in slots, one a column from its first cell to its last. Where every slot
    of every row is a zone of its own, a slot is a zone number; else ``zone_slots`` says its zone.

    Attributes:
        height: Height of a row in whole units.
        relations: ``zone_rows``, and ``zone_slots`` where it is needed.
    """

    height: int
    relations: Mapping[str, pa.Table] = field(repr=False)

    @property
    def functions(self) -> Mapping[str, Callable[[pa.Array, pa.Array], pa.Array]]:
        """None: the statement is plain SQL."""
        return {}

    def sql(self, relation: str) -> str:
        """Return the statement: one or two joins by equality on keys that do not repeat."""
        column = f"{x_sql()} * r.columns // {AROUND}"
        slot = f"CASE WHEN {column} BETWEEN r.first AND r.last THEN r.slot + {column} END"
        rows = f"FROM {relation} AS p LEFT JOIN {ROWS} AS r ON r.row = {y_sql()} // {self.height}"
        if SLOTS not in self.relations:
            return f"SELECT p.*, CAST(COALESCE({slot}, {OUTSIDE}) AS INTEGER) AS zone {rows}"
        return (
            f"SELECT p.*, CAST(COALESCE(s.zone, {OUTSIDE}) AS INTEGER) AS zone {rows} "
            f"LEFT JOIN {SLOTS} AS s ON s.slot = {slot}"
        )


def grid_lookup(height: int, cells: tuple[Ints, Ints, Ints], number: Ints) -> GridLookup:
    """Build the lookup of cells sorted by row and column.

    Args:
        height: Height of a row in whole units.
        cells: Row, column and number of columns in its row of each cell.
        number: Zone number of each cell: cells that were merged share one.
    """
    row, column, columns = cells
    start = np.flatnonzero(np.diff(row, prepend=-1))
    first, last = column[start], column[np.append(start[1:], len(row)) - 1]
    width = last - first + 1
    base = np.cumsum(width) - width - first
    slot = np.repeat(base, np.diff(np.append(start, len(row)))) + column
    rows = {"row": row[start], "columns": columns[start], "first": first, "last": last}
    relations = {ROWS: pa.table(rows | {"slot": base})}
    if not np.array_equal(slot, number):
        relations[SLOTS] = pa.table({"slot": slot, "zone": number.astype(np.int32)})
    return GridLookup(height=height, relations=relations)
