"""Zones from H3 cells over a public boundary. Needs the ``h3`` extra."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from pipelines.errors import ZoneError
from pipelines.schemas.zones import OUTSIDE, ZoneSet
from pipelines.zones.coordinates import E7, Ints, Shapes, area_m2
from pipelines.zones.draft import Draft, renumbered
from pipelines.zones.read import read_boundary
from pipelines.zones.sensitive import Borders, merge_targets, nearest_in, read_sensitive, remark

FUNCTION = "zone_of_h3"
FINEST = 15
MOST_CELLS = 2_000_000
_HALF_AROUND_DEG = 180.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class H3Lookup:
    """How a point finds its H3 cell: by H3 itself, as a function over Arrow arrays.

    Attributes:
        resolution: H3 resolution.
        cells: H3 numbers, uint64, sorted; shape (n,).
        zone: Zone number of each, int32; shape (n,).
    """

    resolution: int
    cells: np.ndarray = field(repr=False)
    zone: np.ndarray = field(repr=False)

    @property
    def relations(self) -> Mapping[str, pa.Table]:
        """None: the function knows the cells."""
        return {}

    @property
    def functions(self) -> Mapping[str, Callable[[pa.Array, pa.Array], pa.Array]]:
        """The function that the statement calls."""
        return {FUNCTION: self.find}

    def find(self, lat_e7: Any, lon_e7: Any) -> pa.Array:
        """Return zone numbers (int32) of points in degrees times 10^7; null is outside."""
        known = np.asarray(lat_e7.is_valid()) & np.asarray(lon_e7.is_valid())
        zone = np.full(len(known), OUTSIDE, dtype=np.int32)
        lat, lon = (np.asarray(some.fill_null(0))[known] / E7 for some in (lat_e7, lon_e7))
        to_cell = _h3().latlng_to_cell
        numbers = (to_cell(*point, self.resolution) for point in zip(lat, lon, strict=True))
        cells = np.fromiter(numbers, dtype=np.uint64, count=len(lat))
        at = np.minimum(np.searchsorted(self.cells, cells), len(self.cells) - 1)
        zone[known] = np.where(self.cells[at] == cells, self.zone[at], OUTSIDE)
        return pa.array(zone)

    def sql(self, relation: str) -> str:
        """Return the statement: one call a row."""
        call = f"{FUNCTION}(p.lat_e7, p.lon_e7)"
        return (
            f"SELECT p.*, CAST(COALESCE({call}, {OUTSIDE}) AS INTEGER) AS zone FROM {relation} AS p"
        )


def h3_zones(boundary: Path, *, resolution: int, sensitive: Path | None = None) -> ZoneSet:
    """Return the H3 cells that meet a public boundary; ids are H3 indexes as text.

    Args:
        boundary: File of polygons; their union is the area to cover.
        resolution: H3 resolution, 0 to 15; 8 is about 0.7 square kilometres.
        sensitive: CSV with a column ``zone``: cells to merge into a neighbour.

    Raises:
        ZoneError: h3 is not installed, the boundary cannot be read, or cells are too many.
    """
    if not 0 <= resolution <= FINEST:
        raise ZoneError(
            f"h3: resolution must be 0 to {FINEST}, got {resolution}. A usual value is 8."
        )
    cells = _covering(read_boundary(boundary), resolution, where=str(boundary))
    shapes = _shapes(cells, where=str(boundary))
    draft = Draft.bare([_h3().int_to_str(cell) for cell in cells.tolist()], shapes)
    listed = read_sensitive(sensitive, draft.ids) if sensitive else ()
    target = merge_targets(len(cells), listed, _borders(cells, listed), nearest_in(shapes))
    lookup = H3Lookup(resolution=resolution, cells=cells, zone=renumbered(target).astype(np.int32))
    draft = draft.merged(target, _merged(cells, shapes, target))
    origin = f"H3 resolution {resolution} inside {boundary.name}"
    return draft.published(lookup, origin=origin, notes=remark(len(listed)))


def _h3() -> Any:
    try:
        return import_module("h3.api.numpy_int")
    except ImportError:
        raise ZoneError(
            "h3: H3 zones need the h3 package. Install it with "
            "\"pip install 'murmuration-mobility[h3]'\", or use a grid."
        ) from None


def _covering(area: shapely.Geometry, resolution: int, *, where: str) -> np.ndarray:
    """Return the sorted numbers of the cells that meet a boundary."""
    h3 = _h3()
    expected = area_m2([area])[0] / h3.average_hexagon_area(resolution, unit="m^2")
    if expected > MOST_CELLS:
        raise ZoneError(
            f"{where}: holds more than {MOST_CELLS:,} H3 cells of resolution {resolution}. "
            "Take a coarser resolution or a smaller boundary."
        )
    parts = [h3.geo_to_h3shape(part) for part in shapely.get_parts(area)]
    found = [h3.h3shape_to_cells_experimental(part, resolution, "overlap") for part in parts]
    return np.unique(np.concatenate([np.asarray(some, dtype=np.uint64) for some in found]))


def _shapes(cells: np.ndarray, *, where: str) -> Shapes:
    """Return the outline of each cell in degrees."""
    rings = [_h3().cell_to_boundary(cell) for cell in cells.tolist()]
    points = np.array([point for ring in rings for point in ring])[:, ::-1]
    of = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    shapes = np.asarray(shapely.polygons(shapely.linearrings(points, indices=of)), dtype=object)
    bounds = shapely.bounds(shapes)
    if np.any(bounds[:, 2] - bounds[:, 0] > _HALF_AROUND_DEG):
        raise ZoneError(
            f"{where}: an H3 cell over it crosses the antimeridian or holds a pole, which a map "
            "in degrees cannot show. Cut the boundary there or use a grid."
        )
    return shapes


def _merged(cells: np.ndarray, shapes: Shapes, target: Ints) -> Shapes:
    """Return the shapes of the cells that stay; H3 itself joins cells without a seam."""
    own = np.arange(len(target))
    merged = shapes.copy()
    for into in np.unique(target[target != own]):
        merged[into] = shapely.geometry.shape(_h3().cells_to_geo(cells[target == into]))
    return np.asarray(merged[target == own], dtype=object)


def _borders(cells: np.ndarray, zones: Sequence[int]) -> Borders:
    """Return the length in millimetres that each of some cells shares with each neighbour."""
    h3 = _h3()
    number = {cell: at for at, cell in enumerate(cells.tolist())}
    shared: dict[int, dict[int, int]] = {}
    for zone in zones:
        edges = h3.origin_to_directed_edges(int(cells[zone]))
        around = {
            int(h3.get_directed_edge_destination(edge)): round(
                1000 * h3.edge_length(edge, unit="m")
            )
            for edge in edges
        }
        shared[zone] = {number[cell]: mm for cell, mm in around.items() if cell in number}
    return shared
