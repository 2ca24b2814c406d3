"""What tests of engines share: a small world, sources from rows, and totals read back.

``RECORDS`` is a statement that counts the very records that an engine hands to tables, packed into
a cell, so that a test can look at them; real tables are added where they matter.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from dp.bounding import Sampling
from dp.tables import Sensitive
from pipelines.engines.contract import Job, Resources
from pipelines.engines.duckdb.engine import DuckDBEngine
from pipelines.engines.totals import FileTotals
from pipelines.ingest.source import Source
from pipelines.progress import Silent
from pipelines.schemas.calendar import Calendar
from pipelines.schemas.traces import TraceParams
from pipelines.schemas.world import World
from pipelines.schemas.zones import ZoneSet
from pipelines.tables import TABLES, sensitive

SEOUL = ZoneInfo("Asia/Seoul")
SIDE = 3
STEP_E7 = 100_000
SOUTH_E7, WEST_E7 = 375_000_000, 1_268_000_000
SPREAD = 100_000


class Squares:
    """Nine zones of 0.01 degrees by two divisions, with one public relation as lookups have."""

    relations: Mapping[str, pa.Table]
    functions: Mapping[str, Callable[[pa.Array, pa.Array], pa.Array]]

    def __init__(self) -> None:
        numbers = pa.array(range(SIDE * SIDE), pa.int32())
        self.relations = {"square zones": pa.table({"square": numbers, "number": numbers})}
        self.functions = {}

    def sql(self, relation: str) -> str:
        row = f"FLOOR((lat_e7 - {SOUTH_E7}) / {STEP_E7}e0)"
        column = f"FLOOR((lon_e7 - {WEST_E7}) / {STEP_E7}e0)"
        inside = f"{row} BETWEEN 0 AND {SIDE - 1} AND {column} BETWEEN 0 AND {SIDE - 1}"
        return (
            "SELECT p.*, COALESCE(z.number, -1) AS zone FROM (SELECT *, "
            f"CASE WHEN {inside} THEN CAST({row} * {SIDE} + {column} AS INTEGER) END AS square "
            f'FROM {relation}) AS p LEFT JOIN "square zones" AS z ON p.square = z.square'
        )


def place(zone: int) -> tuple[float, float]:
    """Return degrees in the middle of a zone; -1 lies outside all zones."""
    row, column = divmod(zone, SIDE) if zone >= 0 else (-5, 0)
    return (
        (SOUTH_E7 + (row + 0.5) * STEP_E7) / 1e7,
        (WEST_E7 + (column + 0.5) * STEP_E7) / 1e7,
    )


def world(zone: str = "Asia/Seoul", start: str = "2026-03-02", days: int = 3) -> World:
    corner = [place(i) for i in range(SIDE * SIDE)]
    half = STEP_E7 / 2e7
    shapes = [shapely.box(x - half, y - half, x + half, y + half) for y, x in corner]
    ids = tuple(f"z'{i}" for i in range(SIDE * SIDE))
    zones = ZoneSet(
        ids=ids,
        names=("",) * len(ids),
        parents=("",) * len(ids),
        population=(None,) * len(ids),
        frame=gpd.GeoDataFrame({"zone": ids}, geometry=shapes, crs="EPSG:4326"),
        lookup=Squares(),
        origin="squares",
    )
    calendar = Calendar(
        time_zone=zone, day_starts=dt.time(4), start=dt.date.fromisoformat(start), days=days
    )
    return World(calendar=calendar, zones=zones)


def at(text: str, zone: ZoneInfo = SEOUL) -> dt.datetime:
    """Return a local time of March 2026: "02 10:30"."""
    return dt.datetime.strptime(f"2026-03-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=zone)


def pings(path: Path, rows: list[tuple[Any, str, int]], **changes: Any) -> Source:
    """Write pings (who, local time, zone) and return their source."""
    spots = [place(zone) for _, _, zone in rows]
    table = {
        "who": [who for who, _, _ in rows],
        "ts": pa.array([at(time) for _, time, _ in rows], pa.timestamp("us", tz="UTC")),
        "lat": pa.array([lat for lat, _ in spots], pa.float64()),
        "lon": pa.array([lon for _, lon in spots], pa.float64()),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path)
    return source(path, kind="pings", lat="lat", lon="lon", **changes)


def visits(path: Path, rows: list[tuple[Any, str, str | None, int]], **changes: Any) -> Source:
    """Write visits (who, local start, local end, zone) by zone id and return their source."""
    times = {
        name: pa.array([None if t is None else at(t) for t in column], pa.timestamp("ms", tz="UTC"))
        for name, column in (
            ("ts", [start for _, start, _, _ in rows]),
            ("until", [end for _, _, end, _ in rows]),
        )
    }
    zones = [f"z'{zone}" for _, _, _, zone in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"who": [r[0] for r in rows], **times, "place": zones}), path)
    return source(path, kind="visits", end="until", zone="place", **changes)


def source(path: Path, **changes: Any) -> Source:
    plain: dict[str, Any] = {"label": "sources[0]", "person": "who", "time": "ts", "path": path}
    return Source(**plain | changes)


def packed(time: str) -> str:
    """Return a statement that counts records by (person, zone, time); persons are integers."""
    cell = f"(CAST(person AS BIGINT) * 100 + zone + 1) * {SPREAD} + {time}"
    return f"SELECT d, {cell} AS cell, COUNT(*) AS total FROM points GROUP BY d, {cell}"


RECORDS = {"starts": packed("t")}
PIECES = RECORDS | {"ends": packed("t2")}
PERSONS = {
    "persons": "SELECT d, CAST(zone + 1 AS BIGINT) AS cell, COUNT(DISTINCT person) AS total "
    "FROM points GROUP BY d, zone"
}


def job(work: Path, *sources: Source, **changes: Any) -> Job:
    plain: dict[str, Any] = {
        "sources": sources,
        "world": world(),
        "traces": TraceParams(),
        "statements": RECORDS,
        "needs": frozenset({"points"}),
        "id_map": None,
        "exclusions": None,
        "work": work,
        "resources": Resources(memory_mb=512, threads=2),
    }
    return Job(**plain | changes)


def real_tables(place: World) -> dict[str, Any]:
    """Return statements and needs of the project's own tables, and of visits by sampling."""
    day = place.calendar.dates[0]
    statements, needs = {}, frozenset({"stays"})
    for name, measured in TABLES.items():
        params = measured.params.model_validate({"table": name})
        rule = measured.rule(place, params, day, None)
        statements[name] = rule.sql(sensitive(measured, place, params))
        needs |= measured.needs
    stays = sensitive(TABLES["visits"], place, TABLES["visits"].params(table="visits"))
    sampled = Sensitive(table="sampled", statement=stays.statement)
    statements["sampled"] = Sampling(1, b"a secret of the ledger").sql(sampled)
    return {"statements": statements, "needs": needs}


def run(given: Job, **settings: Any) -> dict[str, Counter[tuple[int, int]]]:
    """Run a job and return its totals by table: {(d, cell): total}."""
    totals = DuckDBEngine(**settings).run(given, Silent())
    try:
        return read(totals)
    finally:
        totals.close()


def read(totals: FileTotals) -> dict[str, Counter[tuple[int, int]]]:
    found: dict[str, Counter[tuple[int, int]]] = {name: Counter() for name in totals.tables}
    for name in totals.tables:
        rows = zip(*(column.tolist() for column in totals.sparse(name)), strict=True)
        found[name].update({(d, cell): total for d, cell, total in rows})
    return found


def records(given: Job, table: str = "starts", **settings: Any) -> list[tuple[int, int, int, str]]:
    """Run a job of ``RECORDS`` and return (person, zone, d, "hh:mm" since the date's start)."""
    found = []
    for (d, cell), total in run(given, **settings)[table].items():
        head, second = divmod(cell, SPREAD)
        person, zone = divmod(head, 100)
        clock = f"{second // 3600:02}:{second % 3600 // 60:02}"
        found += [(person, zone - 1, d, clock)] * total
    return sorted(found)
