"""Peak memory of the engine as dates, files, zones and records grow, each case in its own process.

    python tests/benchmarks/memory.py               # some minutes
    python tests/benchmarks/memory.py --share 0.25  # a quarter of the rows

Prints the table of ``tests/benchmarks/README.md``. Buckets are in files in every case.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import pyarrow.parquet as pq
import shapely
from bench_case import FOUR, of_tables
from bench_world import HIGH, SOUTH, START, WEST, WIDE, pings_source, world, writer

from pipelines.engines.contract import Job, Resources
from pipelines.engines.duckdb.engine import DuckDBEngine
from pipelines.progress import Silent
from pipelines.schemas.traces import TraceParams
from pipelines.zones import grid_zones

MEMORY_MB = 512
PINGS = 50
"""Of a person on a date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """How much there is of everything; one thing is changed at a time."""

    words: str
    rows: int = 10_000_000
    days: int = 1
    files: int = 1
    cell_m: int = 1_800


BASE = Case(words="10M pings, 1 date, 1 file, about 120 zones")
CASES = (
    BASE,
    replace(BASE, words="60 dates", days=60),
    replace(BASE, words="2,000 files", files=2_000),
    replace(BASE, words="5,600 zones", cell_m=250),
    replace(BASE, words="60 dates, 2,000 files, 5,600 zones", days=60, files=2_000, cell_m=250),
    replace(BASE, words="40M pings", rows=40_000_000),
)


def make(folder: Path, case: Case) -> Path:
    """Write the records of a case unless they are there; return their folder."""
    place = folder / f"{case.rows}-{case.days}-{case.files}"
    if place.exists():
        return place
    place.mkdir(parents=True)
    people = case.rows // PINGS // case.days
    with writer() as con:
        con.execute(
            f"""
            COPY (SELECT person * 7919 AS subscriber,
              TIMESTAMPTZ '{START} 04:00:00+09' + to_days(CAST(d AS INTEGER)) + to_seconds(t) AS ts,
              {SOUTH} + (h % 1024 / 1024e0) * {HIGH} AS lat,
              {WEST} + (h // 1024 % 1024 / 1024e0) * {WIDE} AS lon
            FROM (SELECT person, d, hash(person * 4096 + d * 8 + k // 10) AS h,
                CAST(hash(person * 4096 + d * 64 + k) % 86400 AS BIGINT) AS t
              FROM range({case.days}) AS y(d), range({people}) AS p(person),
                range({PINGS}) AS v(k))) TO '{place}/all.parquet' (FORMAT parquet)
            """
        )
    if case.files > 1:
        _cut(place / "all.parquet", case.files)
    return place


def _cut(file: Path, files: int) -> None:
    whole = pq.ParquetFile(file)
    size = -(-whole.metadata.num_rows // files)
    for i, batch in enumerate(whole.iter_batches(size)):
        pq.write_table(
            pq.ParquetFile(file).schema_arrow.empty_table().from_batches([batch]),
            file.with_name(f"{i:05}.parquet"),
        )
    file.unlink()


def one(case: Case, folder: Path) -> None:
    """Run one case in this process and print its seconds and peak memory."""
    area = folder / "area.geojson"
    place = world(grid_zones(area, cell_m=case.cell_m), case.days)
    statements, needs = of_tables(place, FOUR)
    job = Job(
        sources=(pings_source(make(folder, case)),),
        world=place,
        traces=TraceParams(),
        statements=statements,
        needs=needs,
        id_map=None,
        exclusions=None,
        work=folder / "work",
        resources=Resources(memory_mb=MEMORY_MB, threads=2),
    )
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begun = time.perf_counter()
    DuckDBEngine(in_memory=False).run(job, Silent()).close()
    told = {
        "zones": len(place.zones),
        "seconds": time.perf_counter() - begun,
        "start": start,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(told))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=1.0, help="share of the rows")
    parser.add_argument("--folder", type=Path, help="keep the records here")
    parser.add_argument("--only", default="", help="cases whose words hold this text")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    cases = [replace(case, rows=int(case.rows * given.share)) for case in CASES]
    if given.one is not None:
        one(cases[given.one], given.folder)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        folder.mkdir(exist_ok=True)
        box = shapely.box(WEST, SOUTH, WEST + WIDE, SOUTH + HIGH)
        frame = gpd.GeoDataFrame({"id": ["a"]}, geometry=[box], crs="EPSG:4326")
        frame.to_file(folder / "area.geojson")
        print("| records | zones | seconds | peak MB | of them at the start |")
        print("|---|---|---|---|---|")
        for i, case in enumerate(cases):
            if given.only not in case.words:
                continue
            make(folder, case)
            command = [sys.executable, __file__, "--share", str(given.share)]
            command += ["--folder", str(folder), "--one", str(i)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"{case.words}: {done.stderr}")
            told = json.loads(done.stdout)
            print(
                f"| {case.words} | {told['zones']:,} | {told['seconds']:.1f} | {told['mb']:.0f} "
                f"| {told['start']:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
