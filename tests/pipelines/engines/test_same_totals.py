"""The number of buckets, threads and files, and the order of rows, never show in a result."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engine_desk import SEOUL, at, job, place, read, real_tables, run, source, visits, world

from pipelines.engines.contract import Job, Resources
from pipelines.engines.duckdb.engine import DuckDBEngine
from pipelines.progress import Silent

PEOPLE, PER_PERSON = 60, 40


def _ping_table(seed: int, *, text: bool) -> pa.Table:
    rng = random.Random(seed)
    first = at("02 04:00").timestamp()
    rows = []
    for person in range(PEOPLE):
        home, work = rng.randrange(-1, 9), rng.randrange(9)
        for _ in range(PER_PERSON):
            second = rng.randrange(-3_600, 3 * 86_400 + 3_600) // 60 * 60
            zone = home if second % 86_400 < 40_000 else work
            y, x = place(zone)
            rows.append((f"p-{person}" if text else person, first + second, y, x))
    rows += rng.sample(rows, 50)
    who, times, lats, lons = zip(*rows, strict=True)
    stamps = pa.array([round(t * 1e6) for t in times], pa.int64()).cast(
        pa.timestamp("us", tz="UTC")
    )
    return pa.table({"who": who, "ts": stamps, "lat": lats, "lon": lons})


@pytest.fixture(params=[False, True], ids=["integers", "texts"])
def given(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Job, pa.Table]:
    table = _ping_table(7, text=request.param)
    pq.write_table(table, tmp_path / "pings.parquet")
    rng = random.Random(3)
    rows = []
    for person in range(0, PEOPLE, 3):
        day = rng.randrange(2, 5)
        begin, end = f"{day:02} {rng.randrange(5, 12):02}:00", f"{day + 1:02} 03:30"
        rows.append((f"p-{person}" if request.param else person, begin, end, rng.randrange(9)))
    stays = visits(tmp_path / "visits.parquet", rows, label="sources[1]")
    pinged = source(tmp_path / "pings.parquet", kind="pings", lat="lat", lon="lon")
    return job(tmp_path / "w", pinged, stays, **real_tables(world())), table


def test_buckets_threads_and_memory_do_not_show(given: tuple[Job, pa.Table]) -> None:
    todo, _ = given
    expected = run(todo)
    assert all(expected.values()), "a table is empty: this test would compare nothing"
    settings: list[dict[str, Any]] = [
        {"bucket_rows": 1, "in_memory": False},
        {"bucket_rows": 97, "in_memory": False},
        {"bucket_rows": 500, "in_memory": True},
        {"bucket_rows": 10**6, "in_memory": False},
    ]
    for one in settings:
        assert run(todo, **one) == expected, one
    for threads in (1, 3):
        fewer = job(todo.work, *todo.sources, **_changed(todo, threads))
        assert run(fewer, bucket_rows=300) == expected, threads


def _changed(todo: Job, threads: int) -> dict[str, Any]:
    return {
        "statements": todo.statements,
        "needs": todo.needs,
        "resources": Resources(memory_mb=512, threads=threads),
    }


def test_files_and_the_order_of_rows_do_not_show(
    given: tuple[Job, pa.Table], tmp_path: Path
) -> None:
    todo, table = given
    expected = run(todo)
    order = list(range(len(table)))
    random.Random(1).shuffle(order)
    shuffled = table.take(order)
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(7):
        pq.write_table(shuffled.slice(i * 400, 400), folder / f"{9 - i}.parquet", row_group_size=90)
    many = source(folder, kind="pings", lat="lat", lon="lon")
    again = job(todo.work, many, todo.sources[1], **_changed(todo, 2))
    assert run(again, bucket_rows=100) == expected


def test_parquet_and_csv_give_the_same(given: tuple[Job, pa.Table], tmp_path: Path) -> None:
    todo, table = given
    lines = ["lon,who,lat,ts"]
    for row in table.to_pylist():
        time = row["ts"].astimezone(SEOUL).isoformat()
        lines.append(f"{row['lon']!r},{row['who']},{row['lat']!r},{time}")
    (tmp_path / "pings.csv").write_text("\n".join(lines))
    written = source(tmp_path / "pings.csv", kind="pings", lat="lat", lon="lon")
    again = job(todo.work, written, todo.sources[1], **_changed(todo, 2))
    assert run(again) == run(todo)


def test_exact_duplicates_change_nothing(given: tuple[Job, pa.Table], tmp_path: Path) -> None:
    todo, table = given
    pq.write_table(pa.concat_tables([table, table, table]), tmp_path / "thrice.parquet")
    thrice = source(tmp_path / "thrice.parquet", kind="pings", lat="lat", lon="lon")
    again = job(todo.work, thrice, todo.sources[1], **_changed(todo, 2))
    assert run(again) == run(todo)


def test_which_cells_of_a_person_are_kept_depends_on_no_other_person(tmp_path: Path) -> None:
    rows = [("zoë", f"02 {hour:02}:00", f"02 {hour:02}:30", hour - 5) for hour in range(5, 12)]
    crowd = [(f"n{i}", "02 05:00", "02 06:00", 8) for i in range(40)]
    kept = set()
    for size in range(0, 40, 3):
        file = tmp_path / f"{size}.parquet"
        todo = job(tmp_path / "w", visits(file, [*crowd[:size], *rows]), **_sampled())
        found = run(todo)["sampled"]
        kept.add(tuple(cell for cell in found if cell != (0, 8)))
        assert found[0, 8] == size
    assert len(kept) == 1


def _sampled() -> dict[str, Any]:
    real = real_tables(world())
    return {"statements": {"sampled": real["statements"]["sampled"]}, "needs": real["needs"]}


BY_BIN = 9 * 10
"""A multiple of the cells of one bin of every table that counts by bins: nine zones, ten nights."""


def test_vectors_are_dense_int64_of_the_sparse_sums(given: tuple[Job, pa.Table]) -> None:
    todo, _ = given
    totals = DuckDBEngine(bucket_rows=200).run(todo, Silent())
    sparse = read(totals)
    for name in totals.tables:
        whole = 1 + max(cell for _, cell in sparse[name])
        size = -(-whole // BY_BIN) * BY_BIN
        for day in range(3):
            vector = totals.vector(name, day, size)
            assert vector.dtype == "int64"
            assert vector.shape == (size,)
            held = {i: int(v) for i, v in enumerate(vector) if v}
            assert held == {cell: v for (d, cell), v in sparse[name].items() if d == day and v}
    assert not totals.vector(totals.tables[0], 99, 5).any()
    totals.close()
