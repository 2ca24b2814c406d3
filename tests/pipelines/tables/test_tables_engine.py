"""From files through the real engine: the same bounded totals as from the bench."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from harness import NEEDS, STRATA, Bench, calendar, dense, zone_set
from law import TABLE_CHOICES, Case
from reference import Record
from shapes import SHAPES

from pipelines.engines.contract import Job, Resources
from pipelines.engines.duckdb.engine import DuckDBEngine
from pipelines.ingest.source import Source, StrataFile
from pipelines.progress import Silent
from pipelines.schemas.traces import TraceParams
from pipelines.schemas.world import World
from pipelines.zones import load_zones

CALENDAR = calendar(dt.date(2026, 10, 30))
NAMES = {0: "shop", 1: "school", 2: "Ça va? 'pub'", -1: ""}
COLUMNS = {"person": "who", "time": "at", "lat": "y", "lon": "x"}


def crowd() -> list[Record]:
    """Every bad shape at once; coordinates at the poles would lie in other zones."""
    return [
        replace(record, person=f"{name}|{record.person}'é")
        for name, shape in SHAPES.items()
        for record in shape(CALENDAR.dates, 5)
        if name != "far_away"
    ]


def write(file: Path, records: list[Record], *, ends: bool) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        lines = csv.writer(opened)
        lines.writerow(["who", "at", *(["until", "what"] if ends else []), "y", "x"])
        for r in records:
            start = CALENDAR.dates[r.d].start_s
            place = [f"{r.lat_e7 / 1e7:.7f}", f"{r.lon_e7 / 1e7:.7f}"]
            end = [start + r.t2 if r.t2 > r.t else "", NAMES[r.category]] if ends else []
            lines.writerow([r.person, start + r.t, *end, *place])


def write_strata(file: Path, persons: set[str]) -> StrataFile:
    """A line for each person but the wholly unknown; some ages unknown by two lines that differ."""
    with file.open("w", encoding="utf-8", newline="") as opened:
        lines = csv.writer(opened)
        lines.writerow(["note", "age_band", "sex", "who"])
        for person in sorted(persons):
            age, sex = divmod(Record(0, 0, 0, person).stratum, 2)
            known = "fx"[sex]
            if age < 2:
                lines.writerow(["", ("young", "old")[age], known, person])
            elif sex == 0:
                lines.writerow(["", "young", known, person])
                lines.writerow(["", ("old", "it's new")[len(person) % 2], known, person])
    return StrataFile(path=file, person="who", strata=STRATA)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    file = tmp_path_factory.mktemp("zones") / "row.geojson"
    zone_set(5).frame.to_file(file, driver="GeoJSON")
    return World(calendar=CALENDAR, zones=load_zones(file, id="zone"), strata=STRATA)


@pytest.mark.parametrize("bucket_rows", [None, 200])
@pytest.mark.parametrize("with_visits", [True, False])
def test_the_engine_counts_what_the_bench_counts(
    world: World, tmp_path: Path, *, with_visits: bool, bucket_rows: int | None
) -> None:
    fixes = [r for r in crowd() if not r.declared]
    visits = [r for r in crowd() if r.declared] if with_visits else []
    write(tmp_path / "fixes.csv", fixes, ends=False)
    pings = Source(
        label="sources[0]", kind="pings", path=tmp_path / "fixes.csv", time_unit="s", **COLUMNS
    )
    sources = [pings]
    if visits:
        file = tmp_path / "visits.csv"
        write(file, visits, ends=True)
        made = {"label": "sources[1]", "kind": "visits", "end": "until", "category": "what"}
        sources.append(replace(pings, path=file, **made))
    cases = {name: Case(name, world) for name in TABLE_CHOICES}
    job = Job(
        sources=tuple(sources),
        world=world,
        traces=TraceParams(),
        statements={name: case.rule_sql() for name, case in cases.items()},
        needs=NEEDS | {"strata"},
        strata=write_strata(tmp_path / "strata.csv", {r.person for r in fixes + visits}),
        id_map=None,
        exclusions=None,
        work=tmp_path / "work",
        categories=("shop", "school"),
        resources=Resources(memory_mb=512, threads=1),
    )
    totals = DuckDBEngine(bucket_rows=bucket_rows).run(job, Silent())
    bench = Bench(fixes + visits, world, declared=with_visits)
    for name, case in cases.items():
        expected = case.totals(bench)
        for day in CALENDAR.dates:
            keys = case.table.keys(world, case.params, day)
            vector = totals.vector(name, day.index, keys.size)
            assert np.array_equal(vector, dense(expected.get(day.index, {}), keys)), name
            last = day is CALENDAR.dates[-1]
            assert vector.any() == (last or not case.table.spans)
    totals.close()
