"""What the tests hold the lookups against: DuckDB runs, exact arithmetic, jagged maps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import geopandas as gpd
import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from pipelines.schemas.zones import ZoneLookup
from pipelines.zones.arrangement import arrange, dissolved
from pipelines.zones.coordinates import E7, EAST, NORTH, to_degrees, to_units
from pipelines.zones.edges import edges_of
from pipelines.zones.polygon_lookup import PolygonLookup, polygon_lookup
from pipelines.zones.quilt import LEAF_BITS

Ints = NDArray[np.int64]


def e7(degrees: Any) -> Ints:
    """Degrees as ingest writes them."""
    return np.floor(np.asarray(degrees, dtype=np.float64) * E7 + 0.5).astype(np.int64)


def located(lookup: ZoneLookup, lat_e7: Any, lon_e7: Any) -> Ints:
    """The zone of each point; fails unless each row comes out once with its own columns."""
    rows = pa.table(
        {
            "i": np.arange(len(lat_e7)),
            "lat_e7": pa.array(lat_e7, type=pa.int32()),
            "lon_e7": pa.array(lon_e7, type=pa.int32()),
        }
    )
    with duckdb.connect() as con:
        for name, table in lookup.relations.items():
            con.register("public", table)
            con.execute(f"CREATE TABLE {name} AS SELECT * FROM public")
        for name, function in lookup.functions.items():
            con.create_function(
                name,
                function,
                ["INTEGER", "INTEGER"],
                "INTEGER",
                type="arrow",
                null_handling="special",
            )
        con.register("points", rows)
        answer = con.sql(f"SELECT * FROM ({lookup.sql('points')}) ORDER BY i").to_arrow_table()
    assert answer.column_names == ["i", "lat_e7", "lon_e7", "zone"]
    assert answer.schema.field("zone").type == pa.int32()
    assert answer.drop_columns(["zone"]).equals(rows), "a row is lost, doubled or changed"
    return answer["zone"].to_numpy().astype(np.int64)


def degrees_of(shapes: Sequence[Any], *, east: int = 0, north: int = 0) -> NDArray[np.object_]:
    """Shapes with small whole coordinates as degrees around a place, for ``arrange``."""
    place = np.array([east, north])
    drawn = np.asarray(shapes, dtype=object)
    return np.asarray(shapely.transform(drawn, lambda c: (c + place) / E7), dtype=object)


def built(
    shapes: NDArray[np.object_], *, bits: int | None = None, leaf_bits: int = LEAF_BITS
) -> tuple[PolygonLookup, NDArray[np.object_]]:
    """The lookup of shapes in degrees, and the shapes that are published, in degrees."""
    whole = arrange(shapes)
    units = dissolved(whole)
    lookup = polygon_lookup(edges_of(whole), units, bits=bits, leaf_bits=leaf_bits)
    return lookup, to_degrees(units)


def held(shapes: NDArray[np.object_], lat_e7: Any, lon_e7: Any) -> Ints:
    """The zone of each point by exact arithmetic: how many borders lie west of it or on it.

    A point stands for the place an infinitesimal step to its north-east. Shapes must not overlap.
    """
    x = np.asarray(lon_e7, dtype=np.int64) + EAST
    y = np.asarray(lat_e7, dtype=np.int64) + NORTH
    zone = np.full(len(x), -1, dtype=np.int64)
    for number, shape in enumerate(to_units(shapes)):
        inside = np.zeros(len(x), dtype=bool)
        for ring in shapely.get_rings(shapely.get_parts(shape)):
            points = shapely.get_coordinates(ring).astype(np.int64).tolist()
            for start, stop in pairwise(points):
                (y1, x1), (y2, x2) = sorted((start[::-1], stop[::-1]))
                beside = (y1 <= y) & (y < y2)
                inside ^= beside & ((y - y1) * (x2 - x1) <= (x - x1) * (y2 - y1))
        assert not np.any(inside & (zone >= 0)), "published zones overlap"
        zone[inside] = number
    return zone


def field(shape: NDArray[np.object_], margin: int = 2) -> tuple[Ints, Ints]:
    """Every whole point in the box around some shapes in degrees: latitudes and longitudes."""
    west, south, east, north = e7(shapely.total_bounds(shape)).tolist()
    lat, lon = np.meshgrid(
        np.arange(south - margin, north + margin + 1), np.arange(west - margin, east + margin + 1)
    )
    return lat.ravel(), lon.ravel()


def jagged(
    zones: int, *, levels: int, extent: tuple[float, float, float, float], seed: int
) -> NDArray[np.object_]:
    """A map of polygons with rough common borders that fill most of a box in degrees."""
    rng = np.random.default_rng(seed)
    west, south, east, north = extent
    seeds = rng.uniform((west, south), (east, north), (zones, 2))
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(seeds)))
    edges = shapely.get_parts(shapely.node(shapely.union_all(shapely.boundary(cells))))
    ends = np.array([shapely.get_coordinates(edge)[[0, -1]] for edge in edges])
    inside = np.all((ends >= (west, south)) & (ends <= (east, north)), axis=(1, 2))
    lines = ends[inside]
    for _ in range(levels):
        start, stop = lines[:, :-1], lines[:, 1:]
        step = stop - start
        bend = rng.uniform(-0.15, 0.15, step.shape[:2])[..., None]
        middle = (start + stop) / 2 + bend * step[..., ::-1] * (-1, 1)
        rough = np.empty((len(lines), 2 * lines.shape[1] - 1, 2))
        rough[:, 0::2], rough[:, 1::2] = lines, middle
        lines = rough
    # snapped first: bends may meet, and a union of rounded lines is a clean map
    whole = shapely.linestrings(e7(lines).astype(np.float64))
    faces = shapely.polygonize([shapely.union_all(whole, grid_size=1.0)])
    parts = np.asarray(shapely.get_parts(faces), dtype=object)
    return np.asarray(shapely.transform(parts, lambda c: c / E7), dtype=object)


def write_zones(path: Path, shapes: Sequence[Any], *, crs: Any = 4326, **columns: Any) -> Path:
    """A zone file of the kind that the suffix says."""
    frame = gpd.GeoDataFrame(columns, geometry=list(shapes), crs=crs)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, engine="pyogrio")
    return path


def squares(*corners: tuple[float, float], side: float = 0.01) -> list[Any]:
    """Squares with their south-west corners at these places."""
    return [shapely.box(x, y, x + side, y + side) for x, y in corners]
