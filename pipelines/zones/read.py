"""Reading polygon files of any coordinate reference system into WGS 84."""

from __future__ import annotations

import warnings
from pathlib import Path

import geopandas as gpd
import pyogrio
import shapely
from pyogrio.errors import DataSourceError

from pipelines.errors import ZoneError
from pipelines.zones.shapes import usable

PARQUET = frozenset({".parquet", ".geoparquet"})
VECTOR = frozenset({".geojson", ".json", ".gpkg", ".shp"})
_WGS84 = 4326


def read_features(path: Path) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Return the features of a public file in WGS 84, and notes on what was converted.

    Args:
        path: GeoJSON, GeoPackage with one layer, Shapefile or GeoParquet.

    Raises:
        ZoneError: the file is missing, of another kind, unreadable, empty, or says no CRS.
    """
    if not path.is_file():
        raise ZoneError(f"{path}: no such file. Name a file of polygons.")
    if path.suffix.lower() not in PARQUET | VECTOR:
        kinds = ", ".join(sorted(PARQUET | VECTOR))
        raise ZoneError(f"{path}: zones cannot be read from {path.suffix!r}. Use one of {kinds}.")
    frame = _read(path)
    if len(frame) == 0:
        raise ZoneError(f"{path}: holds no feature.")
    if frame.crs is None:
        raise ZoneError(
            f"{path}: says no coordinate reference system (for a Shapefile, the .prj file is "
            "missing). Write it into the file, such as EPSG:4326 for longitude and latitude."
        )
    crs = frame.crs
    converted = frame.to_crs(_WGS84)
    same = crs.to_epsg() == _WGS84 or crs.to_authority() == ("OGC", "CRS84")
    note = () if same else (f"Coordinates were converted from {crs.name} to WGS 84.",)
    return converted, note


def read_boundary(path: Path) -> shapely.Geometry:
    """Return the union of all polygons of a public file: the area that a grid or H3 covers.

    Raises:
        ZoneError: as ``read_features``, or a feature is no usable polygon.
    """
    frame, _ = read_features(path)
    labels = [f"feature {number}" for number in range(1, len(frame) + 1)]
    shapes, _ = usable(frame.geometry.to_numpy(), labels, where=str(path))
    return shapely.union_all(shapes)


def _read(path: Path) -> gpd.GeoDataFrame:
    parquet = path.suffix.lower() in PARQUET
    try:
        with warnings.catch_warnings():
            # A driver's remarks (ring order, a second geometry type) are checked by ``usable``.
            warnings.simplefilter("ignore")
            if parquet:
                return gpd.read_parquet(path)
            _one_layer(path)
            read = gpd.read_file(path, engine="pyogrio")
    except (DataSourceError, shapely.errors.ShapelyError, OSError, ValueError) as fault:
        kind = "GeoParquet (with its 'geo' metadata)" if parquet else path.suffix
        raise ZoneError(f"{path}: cannot be read as {kind}. Open and save it again.") from fault
    if not isinstance(read, gpd.GeoDataFrame):
        raise ZoneError(f"{path}: holds a table without geometry. Name a file of polygons.")
    return read


def _one_layer(path: Path) -> None:
    names = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    if len(names) > 1:
        raise ZoneError(
            f"{path}: has the layers {', '.join(names)}. Save the one with the zones by itself."
        )
