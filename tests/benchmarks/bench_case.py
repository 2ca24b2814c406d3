"""One case of a benchmark, run in a process of its own: seconds, processor seconds, peak memory.

``measured`` starts the process; the module itself is what runs in it.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import bench_world
import duckdb
import numpy as np

from dp.bounding import Weighting
from dp.tables import Sensitive
from pipelines.engines import get_engine
from pipelines.engines.contract import Job, Resources
from pipelines.progress import Silent
from pipelines.release.toolarge import MAX_CELLS
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.traces import TraceParams
from pipelines.schemas.world import World
from pipelines.tables import TABLES, sensitive

ALL = tuple(name for name in TABLES if name != "home")
"""Every table of one date; ``home`` is counted over many dates."""
FOUR = ("panel", "presence", "visits", "od_flows")
HISTOGRAM = "zone_by_hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is done with which records, and within what limits.

    Attributes:
        records: ``pings``, ``texts`` (pings with ids of 32 letters) or ``visits``.
        rows: How many.
        zones: ``grid``, ``fine grid`` or ``polygons``.
        work: ``scan`` reads the columns that all others read, and adds them up. ``count`` is a
            plain DuckDB count by zone and local hour. ``tables`` is the engine's whole work on
            ``tables``: from raw files to bounded totals.
        engine: Of ``tables``: ``duckdb`` or ``spark``.
    """

    records: str = "pings"
    rows: int
    work: str
    zones: str = "grid"
    tables: tuple[str, ...] = ()
    engine: str = "duckdb"
    memory_mb: int = 1024
    threads: int = 2

    def scaled(self, share: float) -> Case:
        return replace(self, rows=round(self.rows * share))

    def file(self, folder: Path) -> Path:
        return folder / f"{self.records}-{self.rows}.parquet"


def measured(case: Case, folder: Path) -> dict[str, Any]:
    """Run a case and return what it took; its records are made first where they are missing."""
    file = case.file(folder)
    if not file.exists():
        make(case, file, folder)
    command = [sys.executable, __file__, json.dumps(asdict(case)), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{case}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def make(case: Case, file: Path, folder: Path) -> None:
    """Write a case's records, in one step: a file of this name is whole."""
    part = file.with_suffix(".part")
    if case.records == "visits":
        bench_world.make_visits(part, case.rows, bench_world.zones(case.zones, folder).ids)
    else:
        bench_world.make_pings(part, case.rows, text=case.records == "texts")
    part.replace(file)


def scan(case: Case, file: Path) -> None:
    columns = "SUM(HASH(subscriber)), MAX(ts), SUM(lat), SUM(lon)"
    if case.records == "visits":
        columns = "SUM(subscriber), MAX(arrived), MAX(departed), MAX(LENGTH(place))"
    with _plain(case) as con:
        con.execute(f"SELECT {columns} FROM read_parquet('{file}')").fetchall()


def count(case: Case, file: Path, place: World) -> None:
    """Count records by zone and local hour, with the very lookup of the engine.

    No person is told from another, no record is checked, nobody is bounded. The hour is arithmetic
    on the instant: the date has one offset from UTC.
    """
    lookup, start_s = place.zones.lookup, place.calendar.dates[0].start_s
    points = (
        f"SELECT (EPOCH_US(ts) // 1000000 - {start_s}) // 3600 AS hour, "
        "CAST(FLOOR(lat * 1e7 + 5e-1) AS INTEGER) AS lat_e7, "
        f"CAST(FLOOR(lon * 1e7 + 5e-1) AS INTEGER) AS lon_e7 FROM read_parquet('{file}')"
    )
    with _plain(case) as con:
        rows = f"SELECT place AS zone, DATE_TRUNC('hour', arrived) AS hour FROM '{file}'"
        if case.records != "visits":
            for name, table in lookup.relations.items():
                con.register("public", table)
                con.execute(f"CREATE TABLE {name} AS SELECT * FROM public")
            con.execute(f"CREATE VIEW points AS {points}")
            rows = lookup.sql("points")
        con.execute(
            "CREATE TABLE result AS SELECT zone, hour, COUNT(*) AS n "
            f"FROM ({rows}) AS located GROUP BY zone, hour"
        )


def tables(case: Case, file: Path, folder: Path, place: World) -> dict[str, Any]:
    """Count tables with an engine, up to the dense totals of every date that noise is added to.

    Return its start-up and a hash of all totals.
    """
    source = bench_world.visits_source if case.records == "visits" else bench_world.pings_source
    statements, needs = of_tables(place, case.tables)
    job = Job(
        sources=(source(file),),
        world=place,
        traces=TraceParams(),
        statements=statements,
        needs=needs,
        id_map=None,
        exclusions=None,
        work=folder / "work",
        resources=Resources(memory_mb=case.memory_mb, threads=case.threads),
    )
    clock = Clock()
    totals = get_engine(case.engine).run(job, clock)
    for name, day in itertools.product(sorted(statements), place.calendar.dates):
        if (cells := _cells(name, place, day)) <= MAX_CELLS:  # a plan refuses more
            totals.vector(name, day.index, cells)
    taken = _taken(clock.begun)
    digest = hashlib.sha256()
    for name in sorted(statements):
        found: Any = totals
        d, cells, sums = found.sparse(name)
        order = np.lexsort((cells, d))
        digest.update(b"".join(column[order].tobytes() for column in (d, cells, sums)))
    totals.close()
    cpu = _cpu() if case.engine == "spark" else taken["cpu"]  # Java's seconds count once it ended
    return {**taken, "cpu": cpu, "start": clock.start, "hash": digest.hexdigest()}


class Clock(Silent):
    """Seconds until the engine began to read."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self.start = 0.0

    def at(self, step: str, fraction: float) -> None:
        if not self.start and step and fraction >= 0:
            self.start = time.perf_counter() - self.begun


def of_tables(place: World, names: tuple[str, ...]) -> tuple[dict[str, str], frozenset[str]]:
    """Return statements and needs of some tables with their default parameters."""
    if names == (HISTOGRAM,):
        each_once = (
            f"SELECT d, person, CAST((t // 3600) * {len(place.zones)} + zone AS BIGINT) AS cell, "
            "CAST(1 AS BIGINT) AS v FROM points WHERE zone >= 0"
        )
        rule = Weighting(cap=8)
        return {
            HISTOGRAM: rule.sql(Sensitive(table=HISTOGRAM, statement=each_once, once=True))
        }, frozenset({"points"})
    found = {}
    for name in names:
        measure = TABLES[name]
        params = measure.params.model_validate({"table": name})
        bound = measure.rule(place, params, place.calendar.dates[0], bytes(32))
        found[name] = bound.sql(sensitive(measure, place, params))
    return found, frozenset().union(*(TABLES[name].needs for name in names))


def _cells(name: str, place: World, day: MobilityDay) -> int:
    """Return how many cells a table has on one date."""
    if name == HISTOGRAM:
        return 24 * len(place.zones)
    measure = TABLES[name]
    return measure.keys(place, measure.params.model_validate({"table": name}), day).size


def _plain(case: Case) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": case.threads, "preserve_insertion_order": False})
    con.execute("SET enable_progress_bar = false")
    return con


def _taken(begun: float) -> dict[str, float]:
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(who).ru_maxrss for who in both) / 1024
    return {"seconds": time.perf_counter() - begun, "cpu": _cpu() - _CPU[0], "mb": peak}


def _cpu() -> float:
    """Return processor seconds of this process and of those that it started and that ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


_CPU = [0.0]
"""Processor seconds when the work began: imports and zones are not counted."""


def main() -> None:
    given: dict[str, Any] = json.loads(sys.argv[1])
    case = Case(**{**given, "tables": tuple(given["tables"])})
    folder = Path(sys.argv[2])
    file = case.file(folder)
    place = bench_world.world(bench_world.zones(case.zones, folder), bench_world.days(case.records))
    begun, _CPU[0] = time.perf_counter(), _cpu()
    if case.work == "tables":
        found = tables(case, file, folder, place)
    else:
        scan(case, file) if case.work == "scan" else count(case, file, place)
        found = _taken(begun)
    print(json.dumps({**found, "load": os.getloadavg()[0]}))


if __name__ == "__main__":
    main()
