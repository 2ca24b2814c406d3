"""Speed and memory of the engine against a plain DuckDB group-by, each in its own process.

    python tests/benchmarks/foundation.py              # everything, some minutes
    python tests/benchmarks/foundation.py --share 0.1  # a tenth of the rows

Prints the table of ``tests/benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
from bench_world import (
    HIGH,
    SOUTH,
    WEST,
    WIDE,
    make_pings,
    make_visits,
    pings_source,
    visits_source,
    world,
    zones,
)

from dp.bounding import Weighting
from dp.tables import Sensitive
from pipelines.engines import get_engine
from pipelines.engines.contract import Job, Resources
from pipelines.progress import Silent
from pipelines.schemas.traces import TraceParams
from pipelines.schemas.world import World
from pipelines.tables import TABLES, sensitive

ROWS = {"visits": 20_000_000, "pings": 40_000_000, "texts": 40_000_000}
FOUR = "panel+presence+visits+od_flows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of the table: which records, what is done with them, in how much memory."""

    words: str
    records: str
    tables: str = ""
    zones: str = "grid"
    memory_mb: int = 2048
    threads: int = 2

    @property
    def plain(self) -> bool:
        return not self.tables


CASES = (
    Case(words="20M visits of a week, zone x hour: plain group-by", records="visits"),
    Case(
        words="the same through the engine, each person weighted to 8",
        records="visits",
        tables="zone_by_hour",
    ),
    Case(words="table `presence` of the same visits", records="visits", tables="presence"),
    Case(words="40M pings of a day, zone x hour: plain group-by", records="pings"),
    Case(words="table `presence`", records="pings", tables="presence", memory_mb=1024),
    Case(words="four tables", records="pings", tables=FOUR, memory_mb=1024),
    Case(words="four tables, one thread", records="pings", tables=FOUR, memory_mb=1024, threads=1),
    Case(words="four tables, limit 300 MB", records="pings", tables=FOUR, memory_mb=300),
    Case(
        words="four tables, 426 polygons",
        records="pings",
        tables=FOUR,
        zones="polygons",
        memory_mb=1024,
    ),
    Case(words="four tables, 32-letter ids", records="texts", tables=FOUR, memory_mb=1024),
)


def zone_by_hour(place: World) -> str:
    """Return the histogram of zone and hour in which each person counts for at most 8."""
    statement = (
        f"SELECT d, person, CAST((t // 3600) * {len(place.zones)} + zone AS BIGINT) AS cell, "
        "CAST(1 AS BIGINT) AS v FROM points WHERE zone >= 0 GROUP BY d, person, t // 3600, zone"
    )
    return Weighting(cap=8).sql(Sensitive(table="zone_by_hour", statement=statement))


def of_tables(place: World, names: str) -> tuple[dict[str, str], frozenset[str]]:
    """Return statements and needs of some tables with their default parameters."""
    if names == "zone_by_hour":
        return {names: zone_by_hour(place)}, frozenset({"points"})
    statements, needs = {}, frozenset[str]()
    for name in names.split("+"):
        measured = TABLES[name]
        params = measured.params.model_validate({"table": name})
        rule = measured.rule(place, params, place.calendar.dates[0], b"0" * 32)
        statements[name] = rule.sql(sensitive(measured, place, params))
        needs |= measured.needs
    return statements, needs


def run_engine(case: Case, file: Path, folder: Path, place: World) -> None:
    statements, needs = of_tables(place, case.tables)
    job = Job(
        sources=(visits_source(file) if case.records == "visits" else pings_source(file),),
        world=place,
        traces=TraceParams(),
        statements=statements,
        needs=needs,
        id_map=None,
        exclusions=None,
        work=folder / "work",
        resources=Resources(memory_mb=case.memory_mb, threads=case.threads),
    )
    get_engine("duckdb").run(job, Silent()).close()


def run_plain(case: Case, file: Path) -> None:
    zone, hour = "place", "date_trunc('hour', arrived)"
    if case.records == "pings":
        y = f"CAST(floor((lat - {SOUTH}) / {HIGH} * 50) AS INTEGER)"
        x = f"CAST(floor((lon - {WEST}) / {WIDE} * 44) AS INTEGER)"
        zone, hour = f"{y} * 44 + {x}", "epoch_us(ts) // 3600000000"
    with duckdb.connect(config={"threads": 2, "preserve_insertion_order": False}) as con:
        con.execute(
            f"CREATE TABLE result AS SELECT {zone} AS zone, {hour} AS hour, COUNT(*) AS n "
            f"FROM read_parquet('{file}') GROUP BY ALL"
        )


def one(case: Case, file: Path, folder: Path) -> None:
    """Run one case in this process and print its seconds, CPU seconds and peak memory."""
    place = world(zones(case.zones, folder), 7 if case.records == "visits" else 1)
    begun, cpu = time.perf_counter(), _cpu()
    if case.plain:
        run_plain(case, file)
    else:
        run_engine(case, file, folder, place)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "cpu": _cpu() - cpu, "mb": peak}))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=1.0, help="share of the rows")
    parser.add_argument("--folder", type=Path, help="keep the records here")
    parser.add_argument("--only", default="", help="cases whose words hold this text")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(CASES[int(given.one[0])], Path(given.one[1]), given.folder)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        print("| case | seconds | times plain | CPU seconds | times plain | peak MB |")
        print("|---|---|---|---|---|---|")
        plain = {"seconds": 1.0, "cpu": 1.0}
        for i, case in enumerate(CASES):
            if given.only not in case.words:
                continue
            found = _measured(i, folder, given.share)
            plain = found if case.plain else plain
            cells = [
                f"{found[unit]:.1f} | {found[unit] / plain[unit]:.1f}"
                for unit in ("seconds", "cpu")
            ]
            print(f"| {case.words} | {' | '.join(cells)} | {found['mb']:.0f} |", flush=True)


def _measured(number: int, folder: Path, share: float) -> dict[str, float]:
    records = CASES[number].records
    file = folder / f"{records}-{share}.parquet"
    if not file.exists():
        rows = int(ROWS[records] * share)
        if records == "visits":
            make_visits(file, rows, zones("grid", folder).ids)
        else:
            make_pings(file, rows, text=records == "texts")
    command = [sys.executable, __file__, "--folder", str(folder), "--one", str(number), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{CASES[number].words}: {done.stderr}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
