"""Which square cells an edge meets, and on which integer rows it parts the points of a cell.

All arithmetic is in int64 and exact. A point on an edge counts as east of it, or north of it
where the edge runs due east: each point stands for the place an infinitesimal step to its
north-east, which no line through integer vertices can meet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.zones.coordinates import Ints
from pipelines.zones.edges import Edges


@dataclass(frozen=True, slots=True)
class Squares:
    """Cells [x, x + 2**bits) x [y, y + 2**bits), each a field of shape (n,)."""

    x: Ints
    y: Ints
    bits: Ints

    def take(self, at: Ints) -> Squares:
        """Return the squares at these positions."""
        return Squares(self.x[at], self.y[at], self.bits[at])

    @property
    def size(self) -> Ints:
        """The sides in whole units."""
        return np.left_shift(1, self.bits)


@dataclass(frozen=True, slots=True)
class Rows:
    """Integer rows [first, last) of a square on which an edge parts its points.

    Empty (first equals last) where the edge passes between two rows or beside the points: the
    zone of the points may then still change at row ``first``.
    """

    first: Ints
    last: Ints


def repeated(start: Ints, count: Ints) -> tuple[Ints, Ints]:
    """Return, for item i and each of its ``count[i]`` values from ``start[i]``, item and value."""
    item = np.repeat(np.arange(len(count)), count)
    before = np.cumsum(count) - count
    value = np.arange(len(item)) - before[item] + start[item]
    return item, value


def squares_met(edges: Edges, inside: Squares, bits: Ints) -> tuple[Ints, Squares]:
    """Return pairs of an edge and a square that it may meet; none that it meets is left out.

    Args:
        edges: Borders, shape (n,).
        inside: Per edge, the larger square in which to look.
        bits: Per edge, the size of the squares to find: sides of ``2**bits``.

    Returns:
        The positions of the edges, and their squares.
    """
    low = np.maximum(edges.y1, inside.y) >> bits
    high = np.minimum(edges.y2, inside.y + inside.size - 1) >> bits
    at, row = repeated(low, np.maximum(high - low + 1, 0))
    south = np.maximum(edges.y1[at], row << bits[at])
    north = np.minimum(edges.y2[at], (row + 1) << bits[at])
    flat = edges.y1[at] == edges.y2[at]
    here = np.where(flat, edges.x1[at], _x_floor(edges, at, south))
    there = np.where(flat, edges.x2[at], _x_floor(edges, at, north))
    west = np.maximum(np.minimum(here, there), inside.x[at])
    east = np.minimum(np.maximum(here, there) + 1, inside.x[at] + inside.size[at] - 1)
    low, high = west >> bits[at], east >> bits[at]
    nested, column = repeated(low, np.maximum(high - low + 1, 0))
    at, row = at[nested], row[nested]
    return at, Squares(column << bits[at], row << bits[at], bits[at])


def rows_parted(edges: Edges, squares: Squares) -> Rows:
    """Return the rows of each square on which the edge beside it parts its points.

    The edge at row y crosses at x_e(y) = x1 + (y - y1) dx / dy. It parts the points of the square
    exactly where x < x_e(y) <= x + size - 1: points from x_e(y) on are east of it.
    """
    dx, dy = edges.x2 - edges.x1, edges.y2 - edges.y1
    slope = np.where(dx == 0, 1, np.abs(dx))
    over = edges.y1 + _signed(dx, (squares.x - edges.x1) * dy, slope)
    under = edges.y1 + _signed(dx, (squares.x + squares.size - 1 - edges.x1) * dy, slope)
    low = np.maximum(edges.y1, squares.y)
    high = np.minimum(edges.y2, squares.y + squares.size)
    upright = (squares.x < edges.x1) & (edges.x1 < squares.x + squares.size)
    leans = [dx > 0, dx < 0]
    first = np.select(leans, [np.maximum(low, over + 1), np.maximum(low, under)], low)
    last = np.select(leans, [np.minimum(high, under + 1), np.minimum(high, over)], high)
    last = np.where((dx == 0) & ~upright, first, np.maximum(first, last))
    flat = dy == 0
    return Rows(np.where(flat, edges.y1, first), np.where(flat, edges.y1, last))


def crossing(edges: Edges, row: Ints) -> tuple[Ints, Ints]:
    """Return the x at which edges that do not run due east cross rows: floor and remainder.

    The crossing is at ``floor + remainder / (y2 - y1)``.
    """
    dy = edges.y2 - edges.y1
    run = (row - edges.y1) * (edges.x2 - edges.x1)
    floor = np.floor_divide(run, dy)
    return edges.x1 + floor, run - floor * dy


def _x_floor(edges: Edges, at: Ints, row: Ints) -> Ints:
    dy = np.maximum(edges.y2[at] - edges.y1[at], 1)
    run = (row - edges.y1[at]) * (edges.x2[at] - edges.x1[at])
    return np.asarray(edges.x1[at] + np.floor_divide(run, dy), dtype=np.int64)


def _signed(dx: Ints, rise: Ints, slope: Ints) -> Ints:
    """Return floor(rise / dx) for edges that lean east, -floor(rise / -dx) for those west."""
    steps = np.floor_divide(rise, slope)
    return np.where(dx < 0, -steps, steps)
