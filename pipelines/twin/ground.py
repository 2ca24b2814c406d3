"""The public ground of the synthetic city: zones, residents, and what draws people to a zone.

It does not depend on the seed: zones are public and the same for every simulated population.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipelines.twin.names import zone_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LON_0, LAT_0 = 127.2, 36.7
_M_PER_DEG_LAT = 110_960.0
_M_PER_DEG_LON = 111_320.0 * math.cos(math.radians(LAT_0))
_HALF_EXTENT_M = (7_400.0, 5_600.0)
_HALF_RIVER_M = 170.0
_WEST_OF_M = -300.0
_RESIDENTS_FADE_M = 3_600.0
_JOBS_FADE_M = 1_900.0
_FACTORIES_M = (4_300.0, -2_100.0)
_GOLDEN_ANGLE = math.pi * (3.0 - math.sqrt(5.0))


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Zones of the city; entry ``i`` of every attribute is one zone.

    Attributes:
        codes: Zone ids in the manner of administrative codes.
        names: Display names.
        districts: Name of the district that holds the zone.
        shapes: WGS 84 polygons, vertices on a 1e-6 degree grid; neighbours share exact vertices.
        centres_m: Inner points, metres from the city's centre; shape (zones, 2).
        residents: Shares of the city's residents; sums to 1.
        jobs, errands: How strongly a zone draws workers and shoppers; each sums to 1.
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    districts: tuple[str, ...]
    shapes: tuple[shapely.Geometry, ...]
    centres_m: Floats
    residents: Floats
    jobs: Floats
    errands: Floats

    def __len__(self) -> int:
        return len(self.codes)


def make_ground(zones: int) -> Ground:
    """Return a city of ``zones`` zones on both banks of a river, in three districts."""
    banks = _banks()
    cells = [
        cell
        for bank, seeds in zip(banks, _seeds(zones, banks), strict=True)
        for cell in _partition(bank, seeds)
    ]
    shapes = tuple(_to_degrees(_bend(cell)) for cell in cells)
    centres = metres(shapely.get_coordinates(shapely.point_on_surface(np.array(shapes))))
    order = np.lexsort((centres[:, 0], np.round(-centres[:, 1] / 1_500.0)))
    shapes, centres = tuple(shapes[i] for i in order), centres[order]
    districts = _districts(centres)
    area = shapely.area(np.array(shapes))
    far = np.hypot(*centres.T)
    residents = _parts(area * np.exp(-far / _RESIDENTS_FADE_M))
    works = np.hypot(*(centres - _FACTORIES_M).T)
    jobs = area * (np.exp(-far / _JOBS_FADE_M) + 0.35 * np.exp(-works / 900.0) + 0.02)
    codes, names = zone_names(districts)
    return Ground(
        codes=codes,
        names=names,
        districts=tuple(districts),
        shapes=shapes,
        centres_m=centres,
        residents=residents,
        jobs=_parts(jobs),
        errands=_parts(np.sqrt(jobs * residents)),
    )


def degrees(xy_m: Floats) -> Floats:
    """Turn metres from the city's centre into (lon, lat); shape (n, 2)."""
    scale = np.array([1.0 / _M_PER_DEG_LON, 1.0 / _M_PER_DEG_LAT])
    turned: Floats = xy_m * scale + np.array([LON_0, LAT_0])
    return turned


def metres(lon_lat: Floats) -> Floats:
    """Turn (lon, lat) into metres from the city's centre; shape (n, 2)."""
    scale = np.array([_M_PER_DEG_LON, _M_PER_DEG_LAT])
    turned: Floats = (lon_lat - np.array([LON_0, LAT_0])) * scale
    return turned


def _seeds(zones: int, banks: Sequence[shapely.Geometry]) -> list[Floats]:
    """Points of a sunflower, denser in the middle: the first ``zones`` on dry land, per bank."""
    tried = zones
    while True:
        k = np.arange(tried, dtype=np.float64)
        angle = k * _GOLDEN_ANGLE + 0.22 * np.sin(2.4 * k)
        xy = _round_the_city(angle) * (0.97 * ((k + 0.7) / tried) ** 0.62)[:, None]
        dry = np.array([shapely.contains_xy(bank, xy) for bank in banks])
        if dry.sum() >= zones:
            dry[:, np.flatnonzero(dry.any(axis=0))[zones:]] = False
            return [xy[side] for side in dry]
        tried += 1


def _round_the_city(angle: Floats) -> Floats:
    lobes = 0.11 * np.sin(2 * angle + 0.6) + 0.07 * np.sin(3 * angle + 2) + 0.04 * np.sin(5 * angle)
    ring: Floats = np.column_stack([np.cos(angle), np.sin(angle)]) * (1 + lobes)[:, None]
    return ring * _HALF_EXTENT_M


def _river_y(x_m: Floats) -> Floats:
    bend: Floats = 900.0 * np.sin(x_m / 2_600.0 + 0.4) + 350.0 * np.sin(x_m / 1_100.0) + 500.0
    return bend


def _banks() -> tuple[shapely.Geometry, shapely.Geometry]:
    ring = _round_the_city(np.linspace(0.0, 2.0 * np.pi, 240, endpoint=False))
    x = np.linspace(-12_000.0, 12_000.0, 400)
    river = shapely.LineString(np.column_stack([x, _river_y(x)])).buffer(_HALF_RIVER_M)
    parts = shapely.get_parts(shapely.Polygon(ring).difference(river))
    largest = sorted(parts, key=shapely.area)[-2:]
    north, south = sorted(largest, key=lambda part: -part.centroid.y)
    return north, south


def _partition(bank: shapely.Geometry, seeds: Floats) -> list[shapely.Geometry]:
    """Cut a bank into one zone per seed; faces of one noded network share exact vertices."""
    if len(seeds) == 1:
        return [bank]
    points = shapely.MultiPoint(seeds)
    edges = shapely.voronoi_polygons(points, extend_to=bank, only_edges=True)
    step_m = min(150.0, math.sqrt(bank.area / len(seeds)) / 6.0)
    network = shapely.union_all([shapely.segmentize(edges, step_m), bank.boundary])
    faces = shapely.get_parts(shapely.polygonize([network]))
    inner = shapely.point_on_surface(faces)
    kept = shapely.contains(bank, inner)
    faces, inner = faces[kept], inner[kept]
    nearest = shapely.STRtree(shapely.points(seeds)).nearest(inner)
    return [shapely.union_all(faces[nearest == k]) for k in range(len(seeds))]


def _bend(shape: shapely.Geometry) -> shapely.Geometry:
    """Move vertices by a smooth field, a function of place alone: shared edges stay shared."""

    def moved(xy: Floats) -> Floats:
        x, y = xy.T
        dx = 130.0 * np.sin(y / 480.0 + 0.8) + 28.0 * np.sin((x + 2.0 * y) / 160.0)
        dy = 130.0 * np.sin(x / 520.0) + 28.0 * np.sin((2.0 * x - y) / 170.0)
        return np.column_stack([x + dx, y + dy])

    bent: shapely.Geometry = shapely.transform(shape, moved)
    return bent


def _to_degrees(shape: shapely.Geometry) -> shapely.Geometry:
    turned: shapely.Geometry = shapely.transform(shape, lambda xy: np.round(degrees(xy), 6))
    return turned


def _districts(centres_m: Floats) -> Sequence[str]:
    north = centres_m[:, 1] > _river_y(centres_m[:, 0])
    west = centres_m[:, 0] < _WEST_OF_M
    return [str(name) for name in np.where(north, "Buk-gu", np.where(west, "Seo-gu", "Dong-gu"))]


def _parts(weights: Floats) -> Floats:
    parts: Floats = weights / weights.sum()
    return parts
