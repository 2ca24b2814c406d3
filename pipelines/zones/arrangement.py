"""The planar arrangement of zone borders: faces that do not overlap, each with one owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely

from pipelines.errors import ZoneError
from pipelines.schemas.zones import OUTSIDE
from pipelines.zones.attributes import listed
from pipelines.zones.coordinates import Ints, Shapes, area_m2, to_degrees, to_units

_Y_BITS = 31
_SMALLEST_M2 = 1.0


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Faces in whole units; their borders meet at common vertices only.

    Attributes:
        faces: Polygons, shape (n,).
        owner: Zone number of each face, or ``OUTSIDE`` for an enclosed place in no zone.
        rival: A second zone that claims the face, or ``OUTSIDE``.
    """

    faces: Shapes
    owner: Ints
    rival: Ints

    def renumbered(self, number: Ints) -> Arrangement:
        """Return the arrangement with zone ``i`` now called ``number[i]``."""
        known = np.append(number, OUTSIDE)  # OUTSIDE is -1: the last entry
        owner, rival = known[self.owner], known[self.rival]
        return Arrangement(self.faces, owner, np.where(rival == owner, OUTSIDE, rival))


def arrange(shapes: Shapes) -> Arrangement:
    """Return the arrangement of polygons in degrees, given in published order.

    Vertices are snapped to whole units, crossings by snap rounding (Hobby 1999), so that no border
    passes between an integer vertex and its own rounded place. Where zones overlap, the first in
    published order owns the face.
    """
    units = to_units(shapes)
    lines = shapely.line_merge(_unique_segments(units))
    clean = bool(np.all(shapely.is_valid(units))) and shapely.coverage_is_valid(units)
    noded = lines if clean else shapely.union_all(shapely.get_parts(lines), grid_size=1.0)
    faces = np.asarray(shapely.get_parts(shapely.polygonize([noded])), dtype=object)
    owner = np.full(len(faces), OUTSIDE, dtype=np.int64)
    rival = owner.copy()
    if len(faces):
        zone, face = _claims(faces, shapes)
        order = np.lexsort((zone, face))
        zone, face = zone[order], face[order]
        rank = np.arange(len(face)) - np.searchsorted(face, face)
        owner[face[rank == 0]] = zone[rank == 0]
        rival[face[rank == 1]] = zone[rank == 1]
    return Arrangement(faces, owner, rival)


def refuse_covered(arrangement: Arrangement, ids: Sequence[str], *, where: str) -> None:
    """Refuse zones that would own no point.

    Raises:
        ZoneError: a zone is covered by earlier ones, or too small.
    """
    bare = np.setdiff1d(np.arange(len(ids)), arrangement.owner)
    if not len(bare):
        return
    over = np.unique(arrangement.owner[np.isin(arrangement.rival, bare)])
    by = f" Zones that cover them: {listed([ids[i] for i in over if i >= 0])}." if len(over) else ""
    raise ZoneError(
        f"{where}: no area of their own is left to zones {listed([ids[i] for i in bare])}. Where "
        f"zones overlap, the first id in published order holds the place.{by} Correct the file."
    )


def dissolved(arrangement: Arrangement) -> Shapes:
    """Return the shape of each zone in whole units, zone number i at position i, canonical."""
    owner = arrangement.owner
    size = int(owner.max()) + 1
    order = np.argsort(owner, kind="stable")
    edges = np.searchsorted(owner[order], np.arange(size + 1))
    groups = [order[start:stop] for start, stop in pairwise(edges.tolist())]
    shapes = np.empty(size, dtype=object)
    for zone, group in enumerate(groups):
        faces = arrangement.faces[group]
        shapes[zone] = faces[0] if len(faces) == 1 else shapely.coverage_union_all(faces)
    return np.asarray(shapely.orient_polygons(shapely.normalize(shapes)), dtype=object)


def remarks(arrangement: Arrangement, ids: Sequence[str]) -> tuple[str, ...]:
    """Return notes on enclosed gaps and on overlaps of at least a square metre."""
    areas = area_m2(to_degrees(arrangement.faces))
    large = areas >= _SMALLEST_M2
    gaps = areas[large & (arrangement.owner == OUTSIDE)]
    over = np.flatnonzero(large & (arrangement.rival != OUTSIDE))
    notes = []
    if len(gaps):
        notes.append(
            f"Enclosed places in no zone: {len(gaps)}, {gaps.sum():,.0f} square metres in all, "
            f"the largest {gaps.max():,.0f}; points there are outside."
        )
    if len(over):
        most = over[np.argmax(areas[over])]
        pair = [ids[arrangement.owner[most]], ids[arrangement.rival[most]]]
        notes.append(
            f"Overlaps of zones: {len(over)}, {areas[over].sum():,.0f} square metres in all, the "
            f"largest {areas[most]:,.0f} of {listed(pair)}; the first id in published order holds "
            "the place."
        )
    return tuple(notes)


def _unique_segments(units: Shapes) -> shapely.Geometry:
    """Return the segments of all rings, each once: most borders are drawn by two zones."""
    rings = shapely.get_rings(shapely.get_parts(units))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    whole = points.astype(np.int64)
    packed = (whole[:, 0] << _Y_BITS) | whole[:, 1]
    same = ring[:-1] == ring[1:]
    low = np.minimum(packed[:-1], packed[1:])[same]
    high = np.maximum(packed[:-1], packed[1:])[same]
    order = np.lexsort((high, low))
    low, high = low[order], high[order]
    new = (low != high) & ((np.diff(low, prepend=-1) != 0) | (np.diff(high, prepend=-1) != 0))
    ends = np.column_stack([low[new], high[new]]).ravel()
    pairs = np.column_stack([ends >> _Y_BITS, ends & ((1 << _Y_BITS) - 1)]).astype(np.float64)
    lines = shapely.linestrings(pairs, indices=np.repeat(np.arange(len(ends) // 2), 2))
    return shapely.multilinestrings(lines)


def _claims(faces: Shapes, shapes: Shapes) -> tuple[Ints, Ints]:
    """Return pairs (zone, face): the zone holds a point in the middle of the face."""
    middles = shapely.STRtree(to_degrees(shapely.point_on_surface(faces)))
    shapely.prepare(shapes)
    zone, face = middles.query(shapes, predicate="intersects")
    return zone, face
