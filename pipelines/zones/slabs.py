"""Leaves cut into pieces, each between two rows and two edges, so that every point is in one.

``slabs.md`` beside this file states and proves it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely

from pipelines.errors import ZoneError
from pipelines.schemas.zones import OUTSIDE
from pipelines.zones.coordinates import Floats, Ints, Shapes, distinct
from pipelines.zones.crossings import Squares, crossing, repeated, rows_parted
from pipelines.zones.edges import Edges
from pipelines.zones.quilt import Quilt

NO_EDGE = -1
_ROW_BITS = 33
_LONGEST = 1 << 26
_JUST_ABOVE = 2.0**-20


@dataclass(frozen=True, slots=True)
class Pieces:
    """Points of a leaf in rows [first, last), from edge ``west`` on, up to but not on ``east``.

    ``west`` and ``east`` are positions of edges, or ``NO_EDGE`` where the leaf's side bounds.
    """

    leaf: Ints
    first: Ints
    last: Ints
    west: Ints
    east: Ints
    zone: Ints

    def take(self, at: Ints) -> Pieces:
        """Return the pieces at these positions."""
        return Pieces(
            self.leaf[at],
            self.first[at],
            self.last[at],
            self.west[at],
            self.east[at],
            self.zone[at],
        )


@dataclass(frozen=True, slots=True)
class _Slabs:
    """Rows [first, last) of a leaf, across which the same edges part its points."""

    leaf: Ints
    first: Ints
    last: Ints


def pieces(edges: Edges, plan: Quilt, shapes: Shapes) -> Pieces:
    """Return the pieces of all leaves, sorted by leaf.

    Args:
        edges: The borders of the zones.
        plan: Cells and leaves.
        shapes: The zones themselves, in whole units: they name what no edge bounds.

    Raises:
        ZoneError: edges cross, which snap rounding rules out; no wrong lookup is ever built.
    """
    assert max(np.abs(edges.x2 - edges.x1).max(), (edges.y2 - edges.y1).max()) <= _LONGEST
    pair = edges.take(plan.edge)
    square = plan.leaves.take(plan.leaf)
    rows = rows_parted(pair, square)
    at = np.flatnonzero(rows.first < square.y + square.size)  # the others lie beside the leaf
    first, last, leaf = rows.first[at], rows.last[at], plan.leaf[at]
    slabs, mark = _slabs(plan.leaves, leaf, first, last)
    start = np.searchsorted(mark, _mark(leaf, first))
    stop = np.searchsorted(mark, _mark(leaf, last))
    item, slab = repeated(start, stop - start)
    edge, slab = _in_order(edges, plan.edge[at][item], slabs, slab)
    cut = _between(edges, slabs, edge, slab)
    whole = _whole(slabs, slab, plan.leaves, shapes)
    return _joined(_concatenated(cut, whole))


def _slabs(leaves: Squares, leaf: Ints, first: Ints, last: Ints) -> tuple[_Slabs, Ints]:
    """Return the slabs, sorted by leaf and row, and the sorted marks at which they start.

    The end of a leaf is a mark too, so that a search for ``last`` finds the slab after.
    """
    number = np.arange(len(leaves.x))
    top = leaves.y + leaves.size
    marks = [_mark(number, leaves.y), _mark(number, top), _mark(leaf, first), _mark(leaf, last)]
    mark = distinct(np.concatenate(marks))
    of, row = mark >> _ROW_BITS, mark & ((1 << _ROW_BITS) - 1)
    following = np.append(row[1:], 0)
    last_row = np.where(row == top[of], row, following)
    return _Slabs(of, row, last_row), mark


def _mark(leaf: Ints, row: Ints) -> Ints:
    return np.asarray((leaf << _ROW_BITS) + row, dtype=np.int64)


def _in_order(edges: Edges, edge: Ints, slabs: _Slabs, slab: Ints) -> tuple[Ints, Ints]:
    """Return edges and slabs sorted by slab, then from west to east, and check the order exactly.

    Fractions with denominators below 2**26 are equal as floats only if they are equal.
    """
    here = edges.take(edge)
    rise = here.y2 - here.y1
    floor, rest = crossing(here, slabs.first[slab])
    order = np.lexsort(((here.x2 - here.x1) / rise, rest / rise, floor, slab))
    edge, slab = edge[order], slab[order]
    here = edges.take(edge)
    same = slab[1:] == slab[:-1]
    floor, rest = crossing(here, slabs.last[slab] - 1)
    part = rest / (here.y2 - here.y1)
    back = (floor[1:] < floor[:-1]) | ((floor[1:] == floor[:-1]) & (part[1:] < part[:-1]))
    if bool(np.any(same & (back | (here.right[:-1] != here.left[1:])))):
        raise ZoneError(
            "the zone borders cross each other even after snapping to 1e-7 degree. "
            "Simplify or clean the zone file, for example with its topology tool."
        )
    return edge, slab


def _between(edges: Edges, slabs: _Slabs, edge: Ints, slab: Ints) -> Pieces:
    """Return the piece east of each edge, and the one west of the first edge in each slab."""
    opens = np.flatnonzero(np.diff(slab, prepend=-1) != 0)
    closes = np.diff(slab, append=-1) != 0
    following = np.where(closes, NO_EDGE, np.append(edge[1:], NO_EDGE))
    of = np.concatenate([slab, slab[opens]])
    return Pieces(
        slabs.leaf[of],
        slabs.first[of],
        slabs.last[of],
        np.concatenate([edge, np.full(len(opens), NO_EDGE)]),
        np.concatenate([following, edge[opens]]),
        np.concatenate([edges.right[edge], edges.left[edge[opens]]]),
    )


def _whole(slabs: _Slabs, cut: Ints, leaves: Squares, shapes: Shapes) -> Pieces:
    """Return slabs without an edge as pieces, the zone found at a point on no border.

    The point lies a millionth of a unit above the slab's first row, midway in the leaf: no edge
    that spans less than 2**26 units can pass between it and the row's points.
    """
    uncut = np.ones(len(slabs.leaf), dtype=np.bool_)
    uncut[cut] = False
    at = np.flatnonzero(uncut & (slabs.first < slabs.last))
    leaf = leaves.take(slabs.leaf[at])
    zone = zone_at(shapes, leaf.x + leaf.size // 2, np.float64(_JUST_ABOVE) + slabs.first[at])
    none = np.full(len(at), NO_EDGE)
    return Pieces(slabs.leaf[at], slabs.first[at], slabs.last[at], none, none, zone)


def zone_at(shapes: Shapes, x: Ints | Floats, y: Ints | Floats) -> Ints:
    """Return the number of the zone at each point in whole units, ``OUTSIDE`` where none is."""
    tree = shapely.STRtree(shapely.points(x, y))
    shapely.prepare(shapes)
    zone, point = tree.query(shapes, predicate="intersects")
    found = np.full(len(x), OUTSIDE, dtype=np.int64)
    found[point] = zone
    return found


def _concatenated(one: Pieces, two: Pieces) -> Pieces:
    names = Pieces.__slots__
    return Pieces(*(np.concatenate([getattr(one, name), getattr(two, name)]) for name in names))


def _joined(cut: Pieces) -> Pieces:
    """Return pieces sorted by leaf, with those one above the other between like edges as one."""
    order = np.lexsort((cut.first, cut.zone, cut.east, cut.west, cut.leaf))
    cut = cut.take(order)
    kin = (cut.leaf, cut.west, cut.east, cut.zone)
    alike = np.logical_and.reduce([side[1:] == side[:-1] for side in kin])
    above = np.append(np.False_, alike & (cut.first[1:] == cut.last[:-1]))
    lowest = np.flatnonzero(~above)
    highest = np.append(lowest[1:], len(above)) - 1
    low = cut.take(lowest)
    return replace(low, last=cut.last[highest])
