"""The square cells of equal area that cover the world, one grid for each cell size.

The world is cut into rows of equal height in degrees; each row is cut into a whole number of
equal columns, counted from 180 W, so that a cell has the stated area. Rows and columns depend on
the cell size alone: a cell keeps its id when the boundary changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely

from pipelines.zones.coordinates import AROUND, E7, EAST, NORTH, Ints, Shapes, band_m2
from pipelines.zones.sensitive import Borders

_MEAN_RADIUS_M = 6_371_008.8
_MM_PER_UNIT = float(np.radians(1 / E7)) * _MEAN_RADIUS_M * 1000


@dataclass(frozen=True)
class Grid:
    """All cells of one size in the world.

    Attributes:
        cell_m: Side of a cell in metres.
    """

    cell_m: int

    @cached_property
    def height(self) -> int:
        """The height of a row in whole units."""
        return round(self.cell_m * 1000 / _MM_PER_UNIT)

    def columns(self, row: Ints) -> Ints:
        """Return how many cells go around the world in each row."""
        south = (row * self.height - NORTH) / E7
        area = band_m2(south, np.minimum(south + self.height / E7, 90.0))
        return np.asarray(np.rint(area / self.cell_m**2), dtype=np.int64)

    def west(self, column: Ints, columns: Ints) -> Ints:
        """Return the first whole unit of a column."""
        return np.asarray(-((-column * AROUND) // columns), dtype=np.int64)

    def boxes(self, row: Ints, column: Ints, *, inset: float = 0.0) -> Shapes:
        """Return cells as boxes in whole units, made smaller on each side by ``inset``."""
        columns = self.columns(row)
        west, east = (self.west(column + step, columns) for step in (0, 1))
        south = row * self.height
        north = np.minimum(south + self.height, EAST)
        return np.asarray(
            shapely.box(west + inset, south + inset, east - inset, north - inset), dtype=object
        )

    def ids(self, row: Ints, column: Ints) -> list[str]:
        """Return ids such as ``r28255c67921``, padded so that text sorts by row and column."""
        rows = len(str(EAST // self.height))
        columns = len(str(int(self.columns(np.array([NORTH // self.height]))[0])))
        pairs = zip(row.tolist(), column.tolist(), strict=True)
        return [f"r{at:0{rows}d}c{across:0{columns}d}" for at, across in pairs]


def borders(grid: Grid, row: Ints, column: Ints, *, zones: Sequence[int]) -> Borders:
    """Return the length in millimetres that each of some cells shares with each neighbour.

    Args:
        grid: The grid of all cells.
        row: Rows of the cells in use, zone number i at position i.
        column: Their columns.
        zones: Positions of the cells to look around.
    """
    number = {pair: at for at, pair in enumerate(zip(row.tolist(), column.tolist(), strict=True))}
    shared: dict[int, dict[int, int]] = {}
    for zone in zones:
        around = _around(grid, int(row[zone]), int(column[zone]))
        shared[zone] = {number[cell]: mm for cell, mm in around.items() if cell in number}
    return shared


def _around(grid: Grid, row: int, column: int) -> dict[tuple[int, int], int]:
    """Return the cells around one cell and the millimetres of border with each."""
    columns, south, north = grid.columns(np.array([row, row - 1, row + 1])).tolist()
    side = round(grid.height * _MM_PER_UNIT)
    found = {(row, (column - 1) % columns): side, (row, (column + 1) % columns): side}
    west, east = (int(grid.west(np.array(column + step), np.array(columns))) for step in (0, 1))
    for other, count, parallel in ((row - 1, south, row), (row + 1, north, row + 1)):
        latitude = (parallel * grid.height - NORTH) / E7
        scale = _MM_PER_UNIT * float(np.cos(np.radians(latitude)))
        for across in range(west * count // AROUND, (east - 1) * count // AROUND + 1):
            start, stop = (int(grid.west(np.array(across + s), np.array(count))) for s in (0, 1))
            found[other, across] = round((min(east, stop) - max(west, start)) * scale)
    return found
