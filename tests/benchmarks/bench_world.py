"""Zones and records for benchmarks: made, not real, the same on every machine."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import geopandas as gpd
import numpy as np
import shapely

from pipelines.ingest.source import Source
from pipelines.schemas.calendar import Calendar
from pipelines.schemas.world import World
from pipelines.schemas.zones import ZoneSet
from pipelines.zones import grid_zones, load_zones

SOUTH, WEST, HIGH, WIDE = 37.40, 126.70, 0.18, 0.20
GRIDS = {"grid": 800, "fine grid": 400}
"""Metres. Of 590 zones every table can be planned; of 2,244 ``presence_by_overnight`` cannot."""
POLYGONS = 426
START = dt.date(2026, 3, 2)


def world(zones: ZoneSet, days: int) -> World:
    calendar = Calendar(time_zone="Asia/Seoul", day_starts=dt.time(4), start=START, days=days)
    return World(calendar=calendar, zones=zones)


def days(records: str) -> int:
    """Return over how many dates records lie."""
    return 7 if records == "visits" else 1


def zones(kind: str, folder: Path) -> ZoneSet:
    """Return a grid, or polygons with bent borders of some 180 vertices."""
    file = folder / f"{'polygons' if kind == 'polygons' else 'boundary'}.geojson"
    if not file.exists():
        shapes = [shapely.box(WEST, SOUTH, WEST + WIDE, SOUTH + HIGH)]
        if kind == "polygons":
            shapes = _polygons()
        ids = [f"p{i:03}" for i in range(len(shapes))]
        gpd.GeoDataFrame({"id": ids}, geometry=shapes, crs="EPSG:4326").to_file(file)
    return grid_zones(file, cell_m=GRIDS[kind]) if kind in GRIDS else load_zones(file, id="id")


def _polygons() -> list[shapely.Geometry]:
    seeds = np.random.default_rng(2).random((POLYGONS, 2)) * [WIDE, HIGH] + [WEST, SOUTH]
    box = shapely.box(WEST, SOUTH, WEST + WIDE, SOUTH + HIGH)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(seeds), extend_to=box))
    fine = shapely.segmentize(shapely.intersection(cells, box), 0.0002)
    bent = shapely.transform(fine, lambda xy: xy + 0.0004 * np.sin(xy[:, ::-1] * 4_000))
    return list(bent)


def make_visits(file: Path, rows: int, zone_ids: tuple[str, ...]) -> None:
    """Write visits of a week, 20 a person: integer ids, local times, zone ids."""
    with writer() as con:
        con.execute("CREATE TABLE ids (id VARCHAR, i BIGINT)")
        con.executemany("INSERT INTO ids VALUES (?, ?)", [[z, i] for i, z in enumerate(zone_ids)])
        con.execute(
            f"""
            COPY (SELECT person * 7919 AS subscriber, arrived,
              arrived + to_minutes(CAST(5 + h % 175 AS INTEGER)) AS departed, ids.id AS place
            FROM (SELECT *, hash(person * 64 + k) AS h, TIMESTAMP '{START} 04:00:00'
                + to_seconds(CAST(hash(person * 64 + k + 1) % 604800 AS BIGINT)) AS arrived
              FROM range({rows // 20}) AS p(person), range(20) AS v(k)) AS r
            JOIN ids ON ids.i = (h // 1000) % {len(zone_ids)}) TO '{file}' (FORMAT parquet)
            """
        )


def make_pings(file: Path, rows: int, *, text: bool = False) -> None:
    """Write pings of one date, 50 a person, within some 30 m of a home and of a workplace."""
    person = "md5(CAST(person AS VARCHAR))" if text else "person * 7919"
    spot = "CASE WHEN t < 14400 OR t > 50000 THEN h ELSE h // 1048576 END"
    with writer() as con:
        con.execute(
            f"""
            COPY (SELECT {person} AS subscriber,
              TIMESTAMPTZ '{START} 04:00:00+09' + to_seconds(t) AS ts,
              {SOUTH} + (spot % 1024 / 1024e0) * {HIGH} + (n % 97 - 48) / 16e4 AS lat,
              {WEST} + (spot // 1024 % 1024 / 1024e0) * {WIDE} + (n // 97 % 97 - 48) / 16e4 AS lon
            FROM (SELECT *, {spot} AS spot FROM (
              SELECT person, hash(person) AS h, CAST(hash(person * 64 + k) % 9409 AS BIGINT) AS n,
                CAST(hash(person * 64 + k + 1) % 86400 AS BIGINT) AS t
              FROM range({rows // 50}) AS p(person), range(50) AS v(k)))) TO '{file}'
              (FORMAT parquet)
            """
        )


def writer() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"preserve_insertion_order": False, "memory_limit": "4GB"})
    con.execute("SET enable_progress_bar = false")
    return con


def visits_source(file: Path) -> Source:
    return Source(
        label="sources[0]",
        kind="visits",
        path=file,
        person="subscriber",
        time="arrived",
        end="departed",
        zone="place",
        naive_time_zone="Asia/Seoul",
    )


def pings_source(file: Path) -> Source:
    return Source(
        label="sources[0]",
        kind="pings",
        path=file,
        person="subscriber",
        time="ts",
        lat="lat",
        lon="lon",
    )
