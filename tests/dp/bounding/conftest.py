"""Run a rule's statement in DuckDB over given contributions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import duckdb
import pytest

from dp.bounding import Rule
from dp.tables import Sensitive

Contributions = Mapping[tuple[int, str], Mapping[int, int]]
"""(date number, person) -> cell -> v."""
Totals = dict[tuple[int, int], int]
"""(date number, cell) -> total."""


RunRule = Callable[..., Totals]
"""Runs a rule's statement over contributions; each row comes ``times`` times."""


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


@pytest.fixture(scope="module")
def run_rule(connection: duckdb.DuckDBPyConnection) -> RunRule:
    def run(
        rule: Rule, contributions: Contributions, *, once: bool = False, times: int = 1
    ) -> Totals:
        rows = [
            (d, person, cell, v)
            for (d, person), cells in contributions.items()
            for cell, v in cells.items()
            for _ in range(times)
        ]
        connection.execute(
            "CREATE OR REPLACE TABLE given (d INTEGER, person VARCHAR, cell BIGINT, v BIGINT)"
        )
        if rows:
            connection.executemany("INSERT INTO given VALUES (?, ?, ?, ?)", rows)
        sql = rule.sql(Sensitive(table="visits", statement="SELECT * FROM given", once=once))
        answer = connection.execute(sql)
        assert answer.description is not None
        assert [str(column[1]) for column in answer.description] == ["INTEGER", "BIGINT", "BIGINT"]
        found = answer.fetchall()
        totals = {(d, cell): total for d, cell, total in found}
        assert len(totals) == len(found), "a cell came out twice"
        return totals

    return run
