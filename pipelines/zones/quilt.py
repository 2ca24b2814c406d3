"""Square cells over the zones' extent, finer leaves where borders run through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.zones.coordinates import Ints, distinct
from pipelines.zones.crossings import Squares, repeated, squares_met
from pipelines.zones.edges import Edges

_MOST_CELLS = 1 << 18
_MOST_LEAVES = 1 << 20
_SMALLEST_CELL_BITS = 12
LEAF_BITS = 8  # slabs.md needs it; maps of short edges could do with less
_DEEPEST = 7
_WORLD_BITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Quilt:
    """The cells of one zone set, all of one size, and the leaves of those that an edge meets.

    Attributes:
        bits: Cells have sides of ``2**bits`` units and start at multiples of that.
        cells: Cells that an edge may meet, shape (n,).
        depth: Each is cut into ``2**depth`` columns and as many rows of leaves.
        base: The number of its first leaf; leaves count northward, then eastward.
        plain: The other cells in the extent.
        leaves: All leaves, numbered from 0.
        cell: Per leaf, the position of its cell.
        edge, leaf: Pairs of an edge and a leaf that it may meet.
    """

    bits: int
    cells: Squares
    depth: Ints
    base: Ints
    plain: Squares
    leaves: Squares
    cell: Ints
    edge: Ints
    leaf: Ints


def cell_bits(edges: Edges) -> int:
    """Return the size of cells: the smallest that covers the extent with at most 2**18 of them."""
    wide, high = _extent(edges)
    bits = _SMALLEST_CELL_BITS
    while ((wide >> bits) + 1) * ((high >> bits) + 1) > _MOST_CELLS:
        bits += 1
    return bits


def quilt(edges: Edges, bits: int, *, leaf_bits: int = LEAF_BITS) -> Quilt:
    """Return cells, each with about one leaf for every two edges in it.

    Args:
        edges: The borders of the zones.
        bits: Cells have sides of ``2**bits`` units.
        leaf_bits: Leaves are not cut below ``2**leaf_bits`` units.
    """
    size = np.full(len(edges), bits)
    zero = np.zeros(len(edges), dtype=np.int64)
    everywhere = Squares(zero, zero, zero + _WORLD_BITS)
    edge, met = squares_met(edges, everywhere, size)
    keys = _key(met, bits)
    key = distinct(keys)
    of = np.searchsorted(key, keys)
    cells = _square(key, bits)
    depth = _depths(np.bincount(of), min(_DEEPEST, max(bits - leaf_bits, 0)))
    count = np.left_shift(1, 2 * depth)
    base = np.cumsum(count) - count
    cell, leaf_at = repeated(np.zeros_like(count), count)
    leaves = _leaves(cells, depth, cell, leaf_at)
    within, leaf = squares_met(edges.take(edge), cells.take(of), bits - depth[of])
    numbers = base[of[within]] + _leaf_in_cell(leaf, cells.take(of[within]), depth[of[within]])
    return Quilt(
        bits=bits,
        cells=cells,
        depth=depth,
        base=base,
        plain=_square(np.setdiff1d(_extent_keys(cells, bits), key, assume_unique=True), bits),
        leaves=leaves,
        cell=cell,
        edge=edge[within],
        leaf=numbers,
    )


def _depths(edges_per_cell: Ints, deepest: int) -> Ints:
    """Return how often each cell is halved, less often where leaves would be too many."""
    wanted = np.log2(edges_per_cell) / 2
    for less in range(2 * _DEEPEST + 1):
        depth = np.clip(np.ceil(wanted - 0.5 - less / 2), 0, deepest).astype(np.int64)
        if np.left_shift(1, 2 * depth).sum() <= max(_MOST_LEAVES, len(depth)):
            break
    return depth


def _leaves(cells: Squares, depth: Ints, cell: Ints, at: Ints) -> Squares:
    bits = cells.bits[cell] - depth[cell]
    column = at >> depth[cell]
    row = at - (column << depth[cell])
    return Squares(cells.x[cell] + (column << bits), cells.y[cell] + (row << bits), bits)


def _leaf_in_cell(leaf: Squares, cell: Squares, depth: Ints) -> Ints:
    column = (leaf.x - cell.x) >> leaf.bits
    return np.asarray((column << depth) + ((leaf.y - cell.y) >> leaf.bits), dtype=np.int64)


def _key(squares: Squares, bits: int) -> Ints:
    return np.asarray(((squares.x >> bits) << _WORLD_BITS) + (squares.y >> bits), dtype=np.int64)


def _square(key: Ints, bits: int) -> Squares:
    row = key & ((1 << _WORLD_BITS) - 1)
    return Squares((key >> _WORLD_BITS) << bits, row << bits, np.full(len(key), bits))


def _extent(edges: Edges) -> tuple[int, int]:
    east = np.maximum(edges.x1, edges.x2).max() - np.minimum(edges.x1, edges.x2).min()
    return int(east), int(edges.y2.max() - edges.y1.min())


def _extent_keys(cells: Squares, bits: int) -> Ints:
    columns = np.arange(cells.x.min() >> bits, (cells.x.max() >> bits) + 1)
    rows = np.arange(cells.y.min() >> bits, (cells.y.max() >> bits) + 1)
    return (columns[:, None] * (1 << _WORLD_BITS) + rows[None, :]).ravel()
