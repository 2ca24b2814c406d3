"""Speed and memory of the engines, each case in a process of its own, ratios in the same run.

    python tests/benchmarks/run.py                  # everything: half an hour, 15 GB of disk
    python tests/benchmarks/run.py --only scale --share 0.1
    python tests/benchmarks/run.py --only day cores --folder /data/bench   # records stay there

Prints the tables of ``tests/benchmarks/README.md``. Of a section ``--match`` takes the cases whose
words match a regular expression, and what they are compared with.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bench_polygons
from bench_case import ALL, FOUR, HISTOGRAM, Case, make, measured

MILLION = 1_000_000
SIZES = (5 * MILLION, 50 * MILLION, 150 * MILLION)
DAY, WEEK, FEW = 40 * MILLION, 20 * MILLION, 5 * MILLION
_HEAD = "| case | seconds | times scan | times count | CPU seconds | peak MB |"
_RULE = "|---|---|---|---|---|---|"

Lines = list[tuple[str, Case]]


def scale() -> Iterator[Lines]:
    """(a) All tables of one date against a scan and a count of the same records, at three sizes."""
    for rows in SIZES:
        name = f"{rows // MILLION}M pings"
        lines = [(f"{name}: scan", Case(rows=rows, work="scan"))]
        for zones in ("grid", "polygons"):
            words = f"{name}, {zones}"
            lines += [
                (f"{words}: count", Case(rows=rows, work="count", zones=zones)),
                (f"{words}: all tables", _all(rows, zones=zones)),
            ]
        yield lines


def day() -> Iterator[Lines]:
    """40 million pings of 800,000 people on one date, under several limits."""
    yield [
        ("40M pings: scan", Case(rows=DAY, work="scan")),
        ("40M pings, grid: count", Case(rows=DAY, work="count")),
        ("all tables", _all(DAY)),
        ("all tables, limit 300 MB", _all(DAY, memory_mb=300)),
        ("four tables", _all(DAY, tables=FOUR)),
        ("one table, `presence`", _all(DAY, tables=("presence",))),
        ("40M pings, fine grid: count", Case(rows=DAY, work="count", zones="fine grid")),
        ("all tables, 2,244 cells of 400 m", _all(DAY, zones="fine grid")),
        ("40M pings, polygons: count", Case(rows=DAY, work="count", zones="polygons")),
        ("all tables, 426 polygons", _all(DAY, zones="polygons")),
    ]
    yield [
        ("40M pings, 32-letter ids: scan", Case(records="texts", rows=DAY, work="scan")),
        ("40M pings, 32-letter ids: count", Case(records="texts", rows=DAY, work="count")),
        ("all tables, 32-letter ids", _all(DAY, records="texts")),
    ]
    visits: dict[str, Any] = {"records": "visits", "rows": WEEK, "zones": "fine grid"}
    yield [
        ("20M visits of a week: scan", Case(work="scan", **visits)),
        ("20M visits of a week: count", Case(work="count", **visits)),
        ("the same, each person weighted to 8", _all(tables=(HISTOGRAM,), **visits)),
        ("table `presence` of the same visits", _all(tables=("presence",), **visits)),
    ]


def cores() -> Iterator[Lines]:
    """(d) All tables on one thread and on two."""
    for threads in (1, 2):
        name = f"40M pings, {threads} thread{'s' * (threads > 1)}"
        yield [
            (f"{name}: scan", Case(rows=DAY, work="scan", threads=threads)),
            (f"{name}: count", Case(rows=DAY, work="count", threads=threads)),
            (f"{name}: all tables", _all(DAY, threads=threads)),
        ]


def _all(rows: int, **given: Any) -> Case:
    return Case(**{"tables": ALL, "work": "tables", "rows": rows, **given})


def table(groups: Callable[[], Iterator[Lines]], folder: Path, share: float, match: str) -> None:
    """Print one table; each line is compared with the scan and the count before it."""
    print(f"{_HEAD}\n{_RULE}")
    load = 0.0
    seconds: dict[str, float] = {}
    for lines in groups():
        scanned = counted = math.nan
        if not any(re.search(match, words) for words, _ in lines):
            continue
        for words, full in lines:
            if full.work == "tables" and not re.search(match, words):
                continue
            found = _best(full.scaled(share), folder)
            load = max(load, found["load"])
            seconds[words] = found["seconds"]
            scanned = found["seconds"] if full.work == "scan" else scanned
            counted = found["seconds"] if full.work == "count" else counted
            ratios = " | ".join(
                "" if math.isnan(base) else f"{found['seconds'] / base:.1f}"
                for base in (scanned, counted)
            )
            print(
                f"| {words} | {found['seconds']:.1f} | {ratios} | {found['cpu']:.1f} "
                f"| {found['mb']:.0f} |",
                flush=True,
            )
    print(f"\nLoad up to {load:.1f}.")
    for zones in ("grid", "polygons"):
        ends = [seconds.get(f"{rows // MILLION}M pings, {zones}: all tables") for rows in SIZES]
        for few, many in ((0, 1), (1, 2), (0, 2)):
            low, high = ends[few], ends[many]
            if low and high:
                power = math.log(high / low) / math.log(SIZES[many] / SIZES[few])
                sizes = f"{SIZES[few] // MILLION}M to {SIZES[many] // MILLION}M"
                print(f"{zones}: seconds grow as rows to the power {power:.2f} from {sizes}.")


def _best(case: Case, folder: Path) -> dict[str, Any]:
    """Run a case, a day's records or fewer twice: others may use the machine for a while."""
    runs = [measured(case, folder) for _ in range(2 if case.rows <= DAY else 1)]
    return min(runs, key=lambda found: found["seconds"])


def polygons(folder: Path, share: float) -> None:
    """(c) Points to polygons."""
    count = bench_polygons.POINTS * share
    print("| who | seconds | million points/s | of its points in our zone |\n|---|---|---|---|")
    for who, seconds, same in bench_polygons.rows(folder, share):
        speed = "" if "build" in who else f"{count / seconds / MILLION:.2f}"
        print(f"| {who} | {seconds:.2f} | {speed} | {same:.6%} |", flush=True)


def spark(folder: Path, share: float) -> None:
    """(e) Spark on this machine against DuckDB, which must have the same totals."""
    print("| zones | engine | seconds | of them to start | CPU seconds | times DuckDB (CPU) | MB |")
    print("|---|---|---|---|---|---|---|")
    for zones in ("grid", "polygons"):
        both = {
            engine: measured(
                _all(FEW, zones=zones, memory_mb=2048, engine=engine).scaled(share), folder
            )
            for engine in ("duckdb", "spark")
        }
        assert len({found["hash"] for found in both.values()}) == 1, "the engines differ"
        for engine, found in both.items():
            times = found["cpu"] / both["duckdb"]["cpu"]
            print(
                f"| {zones} | {engine} | {found['seconds']:.1f} | {found['start']:.1f} "
                f"| {found['cpu']:.1f} | {times:.1f} | {found['mb']:.0f} |",
                flush=True,
            )


def prepare(sections: list[str], folder: Path, share: float) -> None:
    """Make all records of some sections, so that no run waits for them."""
    for name in sections:
        for lines in SECTIONS[name]() if name in SECTIONS else ():
            for _, full in lines:
                case = full.scaled(share)
                if not case.file(folder).exists():
                    make(case, case.file(folder), folder)


SECTIONS = {"scale": scale, "day": day, "cores": cores}
OTHERS = {"polygons": polygons, "spark": spark}


def main() -> None:
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    asked.add_argument("--only", nargs="+", choices=[*SECTIONS, *OTHERS], help="sections to run")
    asked.add_argument("--share", type=float, default=1.0, help="share of the rows")
    asked.add_argument("--match", default="", help="cases whose words match this")
    asked.add_argument("--folder", type=Path, help="keep the records here")
    asked.add_argument("--prepare", action="store_true", help="make the records and stop")
    given = asked.parse_args()
    sections = given.only or [*SECTIONS, *OTHERS]
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        if given.prepare:
            prepare(sections, folder, given.share)
            return
        for name in sections:
            part = "" if given.share == 1 else f", {given.share:g} of the rows"
            print(f"\n## {name} (load {os.getloadavg()[0]:.1f} before{part})\n", flush=True)
            if name in SECTIONS:
                table(SECTIONS[name], folder, given.share, given.match)
            else:
                OTHERS[name](folder, given.share)


if __name__ == "__main__":
    main()
