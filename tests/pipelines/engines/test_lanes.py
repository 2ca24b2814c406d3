"""Statements side by side: in an order that is right, to the end or to the first error."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from engine_desk import job, pings, real_tables, run, world

from pipelines.engines.contract import Resources
from pipelines.engines.duckdb import buckets
from pipelines.engines.duckdb.lanes import Step, lanes, reads, run_steps

ENDLESS = "SELECT SUM(a.range * b.range) FROM range(10_000_000) AS a, range(10_000_000) AS b"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 2}) as made:
        yield made


def _chain(length: int) -> list[Step]:
    """Relations that each read the one before, a slow one first."""
    first = "CREATE TABLE r0 AS SELECT COUNT(*) AS n FROM range(3_000_000) AS a(i) WHERE i % 3 = 1"
    rest = [
        Step(
            f"CREATE TABLE r{i} AS SELECT n + 1 AS n FROM r{i - 1}",
            frozenset({f"r{i - 1}"}),
            f"r{i}",
        )
        for i in range(1, length)
    ]
    return [Step(first, frozenset(), "r0"), *rest]


@pytest.mark.parametrize("many", [1, 2, 4])
def test_a_statement_waits_for_what_it_reads(con: duckdb.DuckDBPyConnection, many: int) -> None:
    con.execute("CREATE TABLE found (i INTEGER, n BIGINT)")
    steps = _chain(8)
    steps += [
        Step(f"INSERT INTO found SELECT {i}, n FROM r{i}", frozenset({f"r{i}"})) for i in range(8)
    ]
    run_steps(con, steps, many=many)
    rows = con.execute("SELECT i, n FROM found ORDER BY i").fetchall()
    assert rows == [(i, 1_000_000 + i) for i in range(8)]


def test_an_error_ends_what_runs_and_starts_nothing_more(con: duckdb.DuckDBPyConnection) -> None:
    steps = [
        Step(ENDLESS, frozenset()),
        Step("SELECT nothing_of_this_name", frozenset()),
        Step("CREATE TABLE late AS SELECT 1 AS n", frozenset(), "late"),
    ]
    with pytest.raises(duckdb.BinderException):
        run_steps(con, steps, many=2)
    assert con.execute("SELECT COUNT(*) FROM duckdb_tables()").fetchall() == [(0,)]


def test_an_interrupt_ends_what_runs(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed = iter([True])

    def pressed_once(futures: Any, **how: Any) -> Any:
        if next(pressed, False):
            raise KeyboardInterrupt
        return wait(futures, **how)

    threads = threading.active_count()
    monkeypatch.setattr("pipelines.engines.duckdb.lanes.wait", pressed_once)
    with pytest.raises(KeyboardInterrupt):
        run_steps(con, [Step(ENDLESS, frozenset()), Step(ENDLESS, frozenset())], many=2)
    assert threading.active_count() == threads


def test_statements_read_what_they_name() -> None:
    sql = "SELECT * FROM runs AS r JOIN people AS p ON r.person = p.person"
    assert reads(sql, ("runs", "people", "stays", "person_norms")) == {"runs", "people"}


@pytest.mark.parametrize(
    ("memory_mb", "threads", "many"), [(300, 2, 1), (1024, 2, 2), (8192, 16, 4), (2048, 1, 1)]
)
def test_each_statement_needs_a_thread_and_memory(memory_mb: int, threads: int, many: int) -> None:
    assert lanes(Resources(memory_mb=memory_mb), threads=threads) == many


def test_where_memory_is_too_small_for_that_one_runs_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def short(con: duckdb.DuckDBPyConnection, steps: Sequence[Step], *, many: int) -> None:
        tried.append(many)
        run_steps(con, steps if many == 1 else steps[: len(steps) - 2], many=many)
        if many > 1:
            raise duckdb.OutOfMemoryException("too many at once")

    rows = [
        (who, f"02 {hour:02}:30", (who + hour) % 9) for who in range(40) for hour in range(5, 23)
    ]
    given = pings(tmp_path / "p.parquet", rows)
    todo = replace(job(tmp_path / "w", given), **real_tables(world()))
    alone = run(replace(todo, resources=Resources(threads=1)))
    monkeypatch.setattr(buckets, "run_steps", short)
    wide = Resources(threads=2, memory_mb=1024)
    assert run(replace(todo, resources=wide)) == alone
    assert tried == [2, 1]
