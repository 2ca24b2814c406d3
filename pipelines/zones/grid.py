"""Zones from a square grid of equal areas inside a public boundary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import shapely

from pipelines.errors import ZoneError
from pipelines.schemas.zones import ZoneSet
from pipelines.zones.coordinates import AROUND, Ints, to_degrees, to_units
from pipelines.zones.crossings import repeated
from pipelines.zones.draft import Draft, renumbered
from pipelines.zones.grid_cells import Grid, borders
from pipelines.zones.grid_lookup import grid_lookup
from pipelines.zones.read import read_boundary
from pipelines.zones.sensitive import (
    merge_targets,
    merged_shapes,
    nearest_in,
    read_sensitive,
    remark,
)

SMALLEST_M, LARGEST_M = 10, 100_000
MOST_CELLS = 2_000_000
_MOST_LOOKED_AT = 8 * MOST_CELLS
_AT_ONCE = 250_000
_FEWEST_COLUMNS = 200  # rounding to whole columns then moves an area by at most 0.25%


def grid_zones(boundary: Path, *, cell_m: int, sensitive: Path | None = None) -> ZoneSet:
    """Return the cells of an equal-area grid that share area with a public boundary.

    Areas are within 0.5% of ``cell_m`` squared. Ids are rows from the South Pole and columns from
    180 W, the same for every boundary.

    Args:
        boundary: File of polygons; their union is the area to cover.
        cell_m: Side of a cell in metres, 10 to 100,000.
        sensitive: CSV with a column ``zone``: cells to merge into a neighbour.

    Raises:
        ZoneError: the boundary cannot be read, the size is out of range, or cells are too many.
    """
    if not SMALLEST_M <= cell_m <= LARGEST_M:
        raise ZoneError(
            f"grid: cell_m must be {SMALLEST_M} to {LARGEST_M} metres, got {cell_m}. "
            "A usual value for a city is 500."
        )
    grid = Grid(int(cell_m))
    row, column = _inside(grid, read_boundary(boundary), where=str(boundary))
    units = grid.boxes(row, column)
    draft = Draft.bare(grid.ids(row, column), to_degrees(units))
    listed = read_sensitive(sensitive, draft.ids) if sensitive else ()
    shared = borders(grid, row, column, zones=listed)
    target = merge_targets(len(row), listed, shared, nearest_in(draft.shapes))
    lookup = grid_lookup(grid.height, (row, column, grid.columns(row)), renumbered(target))
    draft = draft.merged(target, merged_shapes(draft.shapes, target))
    origin = f"grid {cell_m} m inside {boundary.name}"
    return draft.published(lookup, origin=origin, notes=remark(len(listed)))


def _inside(grid: Grid, area: shapely.Geometry, *, where: str) -> tuple[Ints, Ints]:
    """Return rows and columns of the cells that share area with a boundary, in order of both."""
    parts = to_units(shapely.get_parts(area))
    found = [_candidates(grid, part, where=where) for part in parts]
    row, column = (np.concatenate(some) for some in zip(*found, strict=True))
    pairs = np.unique(np.column_stack([row, column]), axis=0)
    if len(pairs) > MOST_CELLS:
        raise _too_many(grid, where)
    return pairs[:, 0], pairs[:, 1]


def _candidates(grid: Grid, part: shapely.Geometry, *, where: str) -> tuple[Ints, Ints]:
    west, south, east, north = (int(end) for end in shapely.bounds(part))
    rows = np.arange(south // grid.height, (north - 1) // grid.height + 1)
    columns = grid.columns(rows)
    if columns.min() < _FEWEST_COLUMNS:
        raise ZoneError(
            f"{where}: reaches too near a pole for square cells of {grid.cell_m} m. "
            "Cut the boundary or take smaller cells."
        )
    first, last = west * columns // AROUND, (east - 1) * columns // AROUND
    if (last - first + 1).sum() > _MOST_LOOKED_AT:
        raise _too_many(grid, where)
    at, column = repeated(first, last - first + 1)
    row = rows[at]
    shapely.prepare(part)
    met = [
        # Half a unit inside: a cell that the boundary only touches shares no area with it.
        some[shapely.intersects(part, grid.boxes(row[some], column[some], inset=0.5))]
        for some in np.array_split(np.arange(len(row)), len(row) // _AT_ONCE + 1)
    ]
    kept = np.concatenate(met)
    return row[kept], column[kept]


def _too_many(grid: Grid, where: str) -> ZoneError:
    return ZoneError(
        f"{where}: holds more than {MOST_CELLS:,} cells of {grid.cell_m} m. "
        "Take larger cells or a smaller boundary."
    )
