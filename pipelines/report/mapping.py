"""Zone shapes for a map on a page: kilometres on a plane, north up, as few vertices as one sees."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

_KM_PER_DEGREE = 111.195
_SEEN_PARTS = 1_600
_EQUAL_AREA = "EPSG:6933"
_BAR_SHARE = 0.28


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """Zones of a map.

    Attributes:
        geometry: GeoJSON geometries, kilometres east and north of the map's centre.
        centres_km: An inner point of each zone.
        areas_km2: Areas, from an equal-area projection.
        width_km, height_km: Extent of the map.
        bar_km: A round length for a scale bar.
    """

    geometry: list[dict[str, Any]]
    centres_km: list[list[float]]
    areas_km2: list[float]
    width_km: float
    height_km: float
    bar_km: float


def shapes_of(zones: gpd.GeoDataFrame) -> Shapes:
    """Return the zones as an equirectangular map that is true to scale in its middle.

    Shared edges stay shared: vertices are dropped by a rule that sees all zones at once, at a
    tolerance below what the page shows.
    """
    shapes = np.array(zones.geometry.values)
    west, south, east, north = shapely.total_bounds(shapes)
    middle = np.array([(west + east) / 2.0, (south + north) / 2.0])
    scale = _KM_PER_DEGREE * np.array([math.cos(math.radians(float(middle[1]))), 1.0])

    def plane(lon_lat: NDArray[np.float64]) -> NDArray[np.float64]:
        km: NDArray[np.float64] = (lon_lat - middle) * scale
        return km

    flat = shapely.transform(shapes, plane)
    width, height = (np.array([east - west, north - south]) * scale).tolist()
    seen_km = max(width, height, 1e-3) / _SEEN_PARTS
    places = max(0, math.ceil(-math.log10(seen_km)) + 1)
    inner = shapely.get_coordinates(shapely.point_on_surface(flat))
    return Shapes(
        geometry=[_geometry(shape, places) for shape in _thinned(flat, seen_km)],
        centres_km=np.round(inner, places).tolist(),
        areas_km2=np.round(zones.geometry.to_crs(_EQUAL_AREA).area / 1e6, 4).tolist(),
        width_km=round(width, places),
        height_km=round(height, places),
        bar_km=round_length(width * _BAR_SHARE),
    )


def round_length(at_most: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is at most ``at_most``.

    >>> round_length(3.9), round_length(5.0), round_length(0.13)
    (2.0, 5.0, 0.1)
    """
    power = 10.0 ** math.floor(math.log10(at_most)) if at_most > 0 else 1.0
    factor = max((f for f in (1.0, 2.0, 5.0) if f * power <= at_most * (1 + 1e-9)), default=1.0)
    return float(f"{factor * power:.6g}")


def _thinned(shapes: NDArray[np.object_], tolerance_km: float) -> NDArray[np.object_]:
    polygons = np.isin(shapely.get_type_id(shapes), (3, 6)).all()
    if polygons and shapely.is_valid(shapes).all():
        thin = shapely.coverage_simplify(shapes, tolerance_km)
        return np.where(shapely.is_empty(thin), shapes, thin)
    return shapes


def _geometry(shape: shapely.Geometry, places: int) -> dict[str, Any]:
    def rounded(part: Any) -> Any:
        if isinstance(part, float | int):
            return round(float(part), places)
        return [rounded(one) for one in part]

    plain = shape.__geo_interface__
    return {"type": plain["type"], "coordinates": rounded(plain["coordinates"])}
