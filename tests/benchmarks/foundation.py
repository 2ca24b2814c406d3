"""Speed and memory of the engine against a plain DuckDB group-by, each in its own process.

    python tests/benchmarks/foundation.py            # everything, about five minutes
    python tests/benchmarks/foundation.py --rows 0.1 # a tenth of the rows

Prints the table of ``tests/benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import ClassVar

import duckdb
import geopandas as gpd
import pyarrow as pa
import shapely

from dp.bounding import Weighting
from dp.tables import Sensitive
from pipelines.engines import get_engine
from pipelines.engines.contract import Job, Resources
from pipelines.ingest.source import Source
from pipelines.progress import Silent
from pipelines.schemas.calendar import Calendar
from pipelines.schemas.traces import TraceParams
from pipelines.schemas.world import World
from pipelines.schemas.zones import ZoneSet
from pipelines.tables import TABLES, sensitive

VISIT_ROWS, PING_ROWS = 20_000_000, 40_000_000
SIDE = 45
"""Zones are SIDE x SIDE squares of 0.004 degrees: 2,025 zones, 48,600 cells of zone and hour."""
SQUARE_E7 = 40_000
SOUTH_E7, WEST_E7 = 374_000_000, 1_267_000_000
START = dt.date(2026, 3, 2)


class Squares:
    """The cheapest lookup there is: two divisions."""

    relations: ClassVar[dict[str, pa.Table]] = {}
    functions: ClassVar[dict[str, object]] = {}

    def sql(self, relation: str) -> str:
        y, x = (
            f"({c} - {o}) // {SQUARE_E7}" for c, o in (("lat_e7", SOUTH_E7), ("lon_e7", WEST_E7))
        )
        inside = f"lat_e7 >= {SOUTH_E7} AND lon_e7 >= {WEST_E7} AND {y} < {SIDE} AND {x} < {SIDE}"
        return (
            f"SELECT *, CAST(CASE WHEN {inside} THEN {y} * {SIDE} + {x} ELSE -1 END AS INTEGER) "
            f"AS zone FROM {relation}"
        )


def world(days: int) -> World:
    side = SQUARE_E7 / 1e7
    shapes = [
        shapely.box(x, y, x + side, y + side)
        for r in range(SIDE)
        for c in range(SIDE)
        for y, x in [(SOUTH_E7 / 1e7 + r * side, WEST_E7 / 1e7 + c * side)]
    ]
    ids = tuple(f"z{i:04d}" for i in range(SIDE * SIDE))
    frame = gpd.GeoDataFrame({"zone": ids}, geometry=shapes, crs="EPSG:4326")
    zones = ZoneSet(
        ids=ids,
        names=("",) * len(ids),
        parents=("",) * len(ids),
        population=(None,) * len(ids),
        frame=frame,
        lookup=Squares(),
        origin="squares",
    )
    calendar = Calendar(time_zone="Asia/Seoul", day_starts=dt.time(4), start=START, days=days)
    return World(calendar=calendar, zones=zones)


def make_visits(file: Path, rows: int) -> None:
    """Write visits of a week, 20 a person: integer ids, local times, zone ids."""
    _write(
        file,
        f"""
        SELECT person * 7919 AS subscriber, arrived,
          arrived + to_minutes(CAST(5 + h % 175 AS INTEGER)) AS departed,
          'z' || lpad(CAST((h // 1000) % {SIDE * SIDE} AS VARCHAR), 4, '0') AS place
        FROM (SELECT *, hash(person * 64 + k) AS h, TIMESTAMP '{START} 04:00:00'
            + to_seconds(CAST(hash(person * 64 + k + 1) % 604800 AS BIGINT)) AS arrived
          FROM range({rows // 20}) AS p(person), range(20) AS v(k))
        """,
    )


def make_pings(file: Path, rows: int, *, text: bool = False) -> None:
    """Write pings of one date, 50 a person, around a home, a workplace and a third place."""
    person = "md5(CAST(person AS VARCHAR))" if text else "person * 7919"
    spot = f"(CASE WHEN t < 14400 OR t > 50000 THEN h ELSE h // 4096 END) % {SIDE * SIDE - SIDE}"
    _write(
        file,
        f"""
        SELECT {person} AS subscriber, TIMESTAMPTZ '{START} 04:00:00+09' + to_seconds(t) AS ts,
          {SOUTH_E7 / 1e7} + (spot // {SIDE} + n % 97 / 97) * {SQUARE_E7 / 1e7} AS lat,
          {WEST_E7 / 1e7} + (spot % {SIDE} + n % 89 / 89) * {SQUARE_E7 / 1e7} AS lon
        FROM (SELECT *, {spot} AS spot FROM (
          SELECT person, hash(person) AS h, hash(person * 64 + k) AS n,
            CAST(hash(person * 64 + k + 1) % 86400 AS BIGINT) AS t
          FROM range({rows // 50}) AS p(person), range(50) AS v(k)))
        """,
    )


def _write(file: Path, rows: str) -> None:
    with duckdb.connect(config={"preserve_insertion_order": False, "memory_limit": "4GB"}) as con:
        con.execute(f"COPY ({rows}) TO '{file}' (FORMAT parquet)")


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


def zone_by_hour() -> str:
    """Return the histogram of zone and hour in which each person counts for at most 8."""
    statement = (
        f"SELECT d, person, CAST((t // 3600) * {SIDE * SIDE} + zone AS BIGINT) AS cell, "
        "CAST(1 AS BIGINT) AS v FROM points WHERE zone >= 0 GROUP BY d, person, t // 3600, zone"
    )
    return Weighting(cap=8).sql(Sensitive(table="zone_by_hour", statement=statement))


def of_tables(place: World, *names: str) -> tuple[dict[str, str], frozenset[str]]:
    statements, needs = {}, frozenset[str]()
    for name in names:
        measured = TABLES[name]
        params = measured.params.model_validate({"table": name})
        rule = measured.rule(place, params, place.calendar.dates[0], b"0" * 32)
        statements[name] = rule.sql(sensitive(measured, place, params))
        needs |= measured.needs
    return statements, needs


def run_engine(source: Source, case: str, folder: Path, memory_mb: int) -> None:
    place = world(7 if source.kind == "visits" else 1)
    if case == "zone_by_hour":
        statements, needs = {"zone_by_hour": zone_by_hour()}, frozenset({"points"})
    else:
        statements, needs = of_tables(place, *case.split("+"))
    job = Job(
        sources=(source,),
        world=place,
        traces=TraceParams(),
        statements=statements,
        needs=needs,
        id_map=None,
        exclusions=None,
        work=folder / "work",
        resources=Resources(memory_mb=memory_mb, threads=2),
    )
    totals = get_engine("duckdb").run(job, Silent())
    totals.vector(next(iter(statements)), 0, 10**8 if "od_flows" in statements else 10**6)
    totals.close()


def run_plain(file: Path, case: str) -> None:
    hour = f"date_trunc('hour', {'arrived' if case == 'visits' else 'ts'})"
    zone = "place"
    if case == "pings":
        y, x = (
            f"CAST(floor(({c} - {o / 1e7}) / {SQUARE_E7 / 1e7}) AS INTEGER)"
            for c, o in (("lat", SOUTH_E7), ("lon", WEST_E7))
        )
        zone, hour = f"{y} * {SIDE} + {x}", "epoch_us(ts) // 3600000000"
    with duckdb.connect(config={"threads": 2, "preserve_insertion_order": False}) as con:
        con.execute(
            f"CREATE TABLE result AS SELECT {zone} AS zone, {hour} AS hour, COUNT(*) AS n "
            f"FROM read_parquet('{file}') GROUP BY ALL"
        )


def one(case: str, file: Path, folder: Path, memory_mb: int) -> None:
    """Run one case in this process and print its seconds, CPU seconds and peak memory."""
    begun, cpu = time.perf_counter(), _cpu()
    kind, engine, what = case.split(":")
    if engine == "plain":
        run_plain(file, kind)
    else:
        source = visits_source(file) if kind == "visits" else pings_source(file)
        run_engine(source, what, folder, memory_mb)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "cpu": _cpu() - cpu, "mb": peak}))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


CASES = (
    ("visits:plain:", 0, "20M visits, zone x hour, plain group-by"),
    ("visits:engine:zone_by_hour", 2048, "the same through the engine, weighted to 8 a person"),
    ("visits:engine:presence", 2048, "presence from the same visits"),
    ("pings:plain:", 0, "40M pings, zone x hour, plain group-by"),
    ("pings:engine:presence", 1024, "presence from the same pings"),
    ("pings:engine:panel+presence+visits+od_flows", 1024, "all four tables"),
    ("pings:engine:panel+presence+visits+od_flows", 300, "all four tables, 300 MB"),
    ("texts:engine:panel+presence+visits+od_flows", 1024, "all four tables, 32-letter ids"),
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=float, default=1.0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--one", nargs=3)
    given = parser.parse_args()
    if given.one:
        case, file, memory = given.one
        one(case, Path(file), given.folder, int(memory))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        print("| case | seconds | CPU seconds | times plain | peak MB |\n|---|---|---|---|---|")
        plain = 1.0
        for case, memory, words in CASES:
            if given.only not in f"{case} {memory}":
                continue
            found = _measured(case, memory, folder, given.rows)
            plain = found["seconds"] if ":plain:" in case else plain
            print(
                f"| {words} | {found['seconds']:.1f} | {found['cpu']:.1f} | "
                f"{found['seconds'] / plain:.1f} | {found['mb']:.0f} |",
                flush=True,
            )


def _measured(case: str, memory: int, folder: Path, share: float) -> dict[str, float]:
    kind = case.partition(":")[0]
    file = folder / f"{kind}-{share}.parquet"
    if not file.exists():
        if kind == "visits":
            make_visits(file, int(VISIT_ROWS * share))
        else:
            make_pings(file, int(PING_ROWS * share), text=kind == "texts")
    done = subprocess.run(
        [sys.executable, __file__, "--folder", str(folder), "--one", case, str(file), str(memory)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{case}: {done.stderr}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
