"""Spark on this machine against DuckDB, both on the same pings in the same run.

    python tests/benchmarks/spark.py                 # 5 million pings, a few minutes
    python tests/benchmarks/spark.py --rows 500000

Each engine runs in a process of its own; the table is that of ``tests/benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bench_world

from pipelines.engines import get_engine
from pipelines.engines.contract import Job, Resources
from pipelines.schemas.traces import TraceParams
from pipelines.tables import TABLES, sensitive

ROWS = 5_000_000
NAMES = ("panel", "presence", "visits", "od_flows")
MEMORY_MB, CORES = 2048, 2
RUNS = (("duckdb", "grid"), ("spark", "grid"), ("duckdb", "polygons"), ("spark", "polygons"))


class Clock:
    """Seconds until each step began."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self.steps: dict[str, float] = {}

    def at(self, step: str, fraction: float) -> None:
        self.steps.setdefault(step, time.perf_counter() - self.begun)


def run(engine: str, kind: str, folder: Path) -> dict[str, float | str]:
    """Count all tables with one engine; say how long it took and a hash of the totals."""
    place = bench_world.world(bench_world.zones(kind, folder), 1)
    day = place.calendar.dates[0]
    params = {name: TABLES[name].params(table=name) for name in NAMES}
    job = Job(
        sources=(bench_world.pings_source(folder / "pings.parquet"),),
        world=place,
        traces=TraceParams(),
        statements={
            name: TABLES[name]
            .rule(place, own, day, bytes(32))
            .sql(sensitive(TABLES[name], place, own))
            for name, own in params.items()
        },
        needs=frozenset().union(*(TABLES[name].needs for name in NAMES)),
        id_map=None,
        exclusions=None,
        work=folder / "work",
        resources=Resources(memory_mb=MEMORY_MB, threads=CORES),
    )
    clock = Clock()
    totals = get_engine(engine).run(job, clock)
    seconds = time.perf_counter() - clock.begun
    digest = hashlib.sha256()
    for name, own in sorted(params.items()):
        size = TABLES[name].keys(place, own, day).size
        digest.update(totals.vector(name, 0, size).tobytes())
    totals.close()
    return {
        "seconds": seconds,
        "start": clock.steps["Reading records"],
        "cpu": _cpu(),
        "hash": digest.hexdigest(),
    }


def _cpu() -> float:
    """Return processor seconds of this process and of the Java process that has ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=ROWS)
    asked.add_argument("--one", nargs=3, metavar=("ENGINE", "ZONES", "FOLDER"))
    given = asked.parse_args()
    if given.one:
        engine, kind, folder = given.one
        print(json.dumps(run(engine, kind, Path(folder))))
        return
    with tempfile.TemporaryDirectory() as name:
        bench_world.make_pings(Path(name) / "pings.parquet", given.rows)
        found = {one: _measured(*one, name) for one in RUNS}
    print(f"{given.rows:,} pings, {CORES} cores, load {os.getloadavg()[0]:.0f}\n")
    print("| zones | engine | seconds | of them to start | processor seconds | times DuckDB |")
    print("|---|---|---|---|---|---|")
    for (engine, kind), one in found.items():
        plain = found["duckdb", kind]
        assert one["hash"] == plain["hash"], "the engines differ"
        ratio = one["cpu"] / plain["cpu"]
        figures = " | ".join(f"{one[key]:.1f}" for key in ("seconds", "start", "cpu"))
        print(f"| {kind} | {engine} | {figures} | {ratio:.1f} |")


def _measured(engine: str, kind: str, folder: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", engine, kind, folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
