"""Towers' places against zones: the zone that holds a tower, and the zones of its Voronoi cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from pipelines.schemas.zones import OUTSIDE, ZoneSet

_MARGIN = 0.1
_LEAST = 1e-4
"""A part of a cell smaller than this is a sliver, not a share."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A point in 10^-7 degrees."""

    lat_e7: int
    lon_e7: int

    @staticmethod
    def of(lat: float, lon: float) -> Place:
        """Return the place of degrees, rounded as those of records are."""
        return Place(math.floor(lat * 1e7 + 0.5), math.floor(lon * 1e7 + 0.5))


def containing(places: Sequence[Place], zones: ZoneSet) -> list[int]:
    """Return the zone number that holds each place, the first of several, ``OUTSIDE`` for none."""
    tree = shapely.STRtree(zones.frame.geometry.to_numpy())
    points = shapely.points([(p.lon_e7 / 1e7, p.lat_e7 / 1e7) for p in places])
    found = np.full(len(places), OUTSIDE, dtype=np.int64)
    at, zone = tree.query(points, predicate="intersects")
    for i, number in sorted(zip(at.tolist(), zone.tolist(), strict=True), reverse=True):
        found[i] = number
    return [int(number) for number in found]


def shares_of_cells(places: Sequence[Place], zones: ZoneSet) -> list[list[tuple[int, float]]]:
    """Return the zones of each place's Voronoi cell with the part of the cell in each.

    The cell of a tower inside the zones is cut to the zones: whom it serves is taken to be in one
    of them. The cell of a tower outside is cut to a box around zones and towers; its part in no
    zone is outside. Areas are those of a plane with one cosine for all; towers at one place share
    one cell. Shares of a tower sum to 1, in the order of zones, outside last.
    """
    flat, cosine = _flat(zones)
    distinct = sorted(set(places))
    xy = [(p.lon_e7 / 1e7 * cosine, p.lat_e7 / 1e7) for p in distinct]
    box = _frame(flat, xy)
    cells = _cells(xy, box)
    tree, area = shapely.STRtree(flat), shapely.union_all(flat)
    inside = containing(distinct, zones)
    by_place: dict[Place, list[tuple[int, float]]] = {}
    for place, cell, zone in zip(distinct, cells, inside, strict=True):
        whole = shapely.intersection(cell, area if zone != OUTSIDE else box)
        near = sorted(tree.query(whole, predicate="intersects").tolist())
        parts = [(n, shapely.area(shapely.intersection(whole, flat[n])) / whole.area) for n in near]
        kept = [(n, part) for n, part in parts if part >= _LEAST]
        rest = 1.0 - sum(part for _, part in kept)
        if zone == OUTSIDE and (rest >= _LEAST or not kept):
            kept.append((OUTSIDE, rest))
        by_place[place] = kept
    return [by_place[place] for place in places]


def _flat(zones: ZoneSet) -> tuple[Any, float]:
    south, north = (float(zones.frame.total_bounds[i]) for i in (1, 3))
    cosine = round(math.cos(math.radians((south + north) / 2)), 6)
    shapes = shapely.transform(zones.frame.geometry.to_numpy(), lambda c: c * [cosine, 1.0])
    return shapes, cosine


def _frame(flat: Any, xy: Sequence[tuple[float, float]]) -> Any:
    west, south, east, north = shapely.total_bounds([*flat, shapely.multipoints(xy)])
    margin = _MARGIN * max(east - west, north - south)
    return shapely.box(west - margin, south - margin, east + margin, north + margin)


def _cells(xy: Sequence[tuple[float, float]], box: Any) -> list[Any]:
    """Return the cell of each of the distinct points, in their order."""
    if len(xy) == 1:
        return [box]
    points = shapely.multipoints(xy)
    made = shapely.voronoi_polygons(points, extend_to=box, ordered=True)
    return [shapely.intersection(cell, box) for cell in shapely.get_parts(made)]
