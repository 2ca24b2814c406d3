"""Points to polygons: the lookup of this package, geopandas' join and shapely's tree."""

from __future__ import annotations

import time
from pathlib import Path

import bench_world
import duckdb
import geopandas as gpd
import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from pipelines.schemas.zones import ZoneSet
from pipelines.zones import load_zones

POINTS = 2_000_000


def rows(folder: Path, share: float) -> list[tuple[str, float, float]]:
    """Return (who, seconds, share of points with our zone), all on the same points.

    Ours is given whole numbers and the build of its tables is timed apart; the others are given
    what they need ready made: a frame of points, an array of points. Both keep one thread busy.
    """
    count = round(POINTS * share)
    corner = np.array([bench_world.WEST, bench_world.SOUTH])
    size = np.array([bench_world.WIDE, bench_world.HIGH])
    degrees = corner + np.random.default_rng(5).random((count, 2)) * size
    whole = np.floor(degrees * 1e7 + 0.5)
    begun = time.perf_counter()
    zones = load_zones(_file(folder), id="id")
    built = time.perf_counter() - begun
    found = {}
    taken = [("ours: build of the lookup", built, 1.0)]
    for threads in (1, 2):
        seconds, found[threads] = _ours(zones, whole, threads)
        taken.append((f"ours, {threads} thread{'s' * (threads > 1)}", seconds, 1.0))
    points = shapely.points(whole / 1e7)
    frame = zones.frame[["zone", "geometry"]]
    begun = time.perf_counter()
    joined = gpd.sjoin(gpd.GeoDataFrame(geometry=points, crs=4326), frame, predicate="within")
    seconds = time.perf_counter() - begun
    first = joined[~joined.index.duplicated()]
    theirs = np.full(count, -1)
    theirs[first.index.to_numpy()] = first["index_right"].to_numpy()
    taken.append(("geopandas sjoin", seconds, float(np.mean(theirs == found[1]))))
    begun = time.perf_counter()
    at, zone = shapely.STRtree(frame.geometry.to_numpy()).query(points, predicate="within")
    seconds = time.perf_counter() - begun
    theirs = np.full(count, -1)
    theirs[at[::-1]] = zone[::-1]
    taken.append(("shapely STRtree", seconds, float(np.mean(theirs == found[1]))))
    return taken


def _ours(
    zones: ZoneSet, whole: NDArray[np.float64], threads: int
) -> tuple[float, NDArray[np.int32]]:
    lookup = zones.lookup
    lon, lat = (whole[:, i].astype(np.int32) for i in (0, 1))
    with duckdb.connect(config={"threads": threads}) as con:
        con.execute("SET enable_progress_bar = false")
        for name, table in lookup.relations.items():
            con.register("public", table)
            con.execute(f"CREATE TABLE {name} AS SELECT * FROM public")
        columns = {"i": np.arange(len(whole)), "lat_e7": lat, "lon_e7": lon}
        con.register("arriving", pa.table(columns))
        con.execute("CREATE TABLE points AS SELECT * FROM arriving")
        begun = time.perf_counter()
        con.execute(f"CREATE TABLE found AS {lookup.sql('points')}")
        seconds = time.perf_counter() - begun
        answer = con.execute("SELECT zone FROM found ORDER BY i").fetchnumpy()["zone"]
    return seconds, np.asarray(answer)


def _file(folder: Path) -> Path:
    bench_world.zones("polygons", folder)
    return folder / "polygons.geojson"
