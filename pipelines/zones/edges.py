"""Directed borders of an arrangement and the zones on their two sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import Geod

from pipelines.schemas.zones import OUTSIDE
from pipelines.zones.arrangement import Arrangement
from pipelines.zones.coordinates import E7, EAST, NORTH, Ints
from pipelines.zones.sensitive import Borders

_X_BITS = 32


@dataclass(frozen=True, slots=True)
class Edges:
    """Straight borders in whole units; no two meet but at common ends.

    Attributes:
        x1, y1, x2, y2: Ends, shape (n,), directed north; due east where ``y1 == y2``.
        left, right: Zone numbers west and east of it (north and south where it runs east).
    """

    x1: Ints
    y1: Ints
    x2: Ints
    y2: Ints
    left: Ints
    right: Ints

    def __len__(self) -> int:
        return len(self.x1)

    def take(self, at: Ints) -> Edges:
        """Return the edges at these positions."""
        return Edges(
            self.x1[at], self.y1[at], self.x2[at], self.y2[at], self.left[at], self.right[at]
        )

    def renumbered(self, number: Ints) -> Edges:
        """Return the edges with zone ``i`` now called ``number[i]``, without inner ones."""
        known = np.append(number, OUTSIDE)  # OUTSIDE is -1: the last entry
        left, right = known[self.left], known[self.right]
        moved = Edges(self.x1, self.y1, self.x2, self.y2, left, right)
        return moved.take(np.flatnonzero(left != right))


def edges_of(arrangement: Arrangement) -> Edges:
    """Return the edges between faces of different owners."""
    rings, face = shapely.get_rings(
        shapely.orient_polygons(arrangement.faces), return_index=True
    )  # counterclockwise outside, clockwise holes: the face is on the left
    points, ring = shapely.get_coordinates(rings, return_index=True)
    whole = points.astype(np.int64)
    same = np.flatnonzero(ring[:-1] == ring[1:])
    packed = (whole[:, 1] << _X_BITS) | whole[:, 0]  # ordered to the north, then to the east
    start, stop, zone = packed[same], packed[same + 1], arrangement.owner[face[ring[same]]]
    forth = start < stop
    low, high = np.minimum(start, stop), np.maximum(start, stop)
    order = np.lexsort((high, low))
    low, high, zone, forth = low[order], high[order], zone[order], forth[order]
    new = (np.diff(low, prepend=-1) != 0) | (np.diff(high, prepend=-1) != 0)
    edge = np.cumsum(new) - 1
    left = np.full(int(new.sum()), OUTSIDE, dtype=np.int64)
    right = left.copy()
    left[edge[forth]] = zone[forth]
    right[edge[~forth]] = zone[~forth]
    low, high = low[new], high[new]
    x = (1 << _X_BITS) - 1
    found = Edges(low & x, low >> _X_BITS, high & x, high >> _X_BITS, left, right)
    return found.take(np.flatnonzero(left != right))


def lengths_mm(edges: Edges) -> Ints:
    """Return geodesic lengths on WGS 84 in whole millimetres, shape (n,)."""
    west, east = ((x - EAST) / E7 for x in (edges.x1, edges.x2))
    south, north = ((y - NORTH) / E7 for y in (edges.y1, edges.y2))
    _, _, metres = Geod(ellps="WGS84").inv(west, south, east, north)
    return np.asarray(np.rint(np.asarray(metres) * 1000), dtype=np.int64)


def borders(edges: Edges, zones: Sequence[int]) -> Borders:
    """Return the length in millimetres that each of some zones shares with each neighbour."""
    wanted = np.asarray(zones, dtype=np.int64)
    inner = (edges.left != OUTSIDE) & (edges.right != OUTSIDE)
    touched = np.isin(edges.left, wanted) | np.isin(edges.right, wanted)
    near = edges.take(np.flatnonzero(inner & touched))
    shared: dict[int, dict[int, int]] = {int(zone): {} for zone in zones}
    sides = zip(near.left.tolist(), near.right.tolist(), lengths_mm(near).tolist(), strict=True)
    for left, right, length in sides:
        for zone, other in ((left, right), (right, left)):
            if zone in shared:
                shared[zone][other] = shared[zone].get(other, 0) + length
    return shared
