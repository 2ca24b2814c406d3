"""Which polygons can be zones: what is repaired, what is refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from pipelines.errors import ZoneError
from pipelines.zones.attributes import shown
from pipelines.zones.coordinates import Shapes

_POLYGON = 3
_MULTIPOLYGON = 6
_HALF_AROUND_DEG = 180.0
_LONGEST_EDGE_DEG = 5.0  # exact integer arithmetic in the lookup rests on it


def usable(shapes: Shapes, labels: Sequence[str], *, where: str) -> tuple[Shapes, tuple[str, ...]]:
    """Return valid polygons in degrees, without edges above five degrees, and notes on repairs.

    Args:
        shapes: Polygons or multipolygons in WGS 84 degrees, shape (n,).
        labels: How messages name each: ``zone 'a'``.
        where: The file.

    Raises:
        ZoneError: a shape is missing, empty, no polygon, off the map, or meets the antimeridian.
    """
    for shape, label in zip(shapes, labels, strict=True):
        _refuse_kind(shape, f"{where}: {label}")
    flat = np.asarray(shapely.force_2d(shapes), dtype=object)
    _refuse_places(flat, [f"{where}: {label}" for label in labels])
    valid = shapely.is_valid(flat)
    invalid = np.flatnonzero(~valid).tolist()
    for at in invalid:
        flat[at] = _repaired(flat[at], f"{where}: {labels[at]}")
    broken = [labels[at] for at in invalid]
    note = (f"Invalid rings were repaired: {shown(broken)}.",) if broken else ()
    return np.asarray(shapely.segmentize(flat, _LONGEST_EDGE_DEG), dtype=object), note


def _refuse_kind(shape: shapely.Geometry | None, label: str) -> None:
    if shape is None or shapely.is_empty(shape):
        raise ZoneError(f"{label} has no geometry. Draw it or remove it from the file.")
    if shapely.get_type_id(shape) not in {_POLYGON, _MULTIPOLYGON}:
        raise ZoneError(f"{label} is a {shape.geom_type}. Zones are polygons or multipolygons.")


def _refuse_places(flat: Shapes, labels: Sequence[str]) -> None:
    west, south, east, north = shapely.bounds(flat).T
    inside = (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)  # noqa: PLR2004 degrees
    parts, owner = shapely.get_parts(flat, return_index=True)
    width = np.zeros(len(flat))
    np.maximum.at(width, owner, shapely.bounds(parts)[:, 2] - shapely.bounds(parts)[:, 0])
    bad = np.flatnonzero(~(inside & (width <= _HALF_AROUND_DEG)))  # also what is not finite
    if len(bad):
        raise ZoneError(
            f"{labels[bad[0]]} reaches beyond longitude 180 or latitude 90, or is wider than 180 "
            "degrees. Either the file states the wrong coordinate reference system, or the polygon "
            "crosses the antimeridian: then split it at longitude 180 (RFC 7946, section 3.1.9)."
        )


def _repaired(shape: shapely.Geometry, label: str) -> shapely.Geometry:
    valid = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    parts = shapely.get_parts(shapely.get_parts(valid))
    polygons = parts[shapely.get_type_id(parts) == _POLYGON]
    if len(polygons) == 0 or shapely.area(valid) == 0:
        reason = shapely.is_valid_reason(shape)
        raise ZoneError(f"{label} has no area ({reason}). Draw it again or remove it.")
    return polygons[0] if len(polygons) == 1 else shapely.multipolygons(polygons)
