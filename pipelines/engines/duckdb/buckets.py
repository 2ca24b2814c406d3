"""One bucket of whole persons: points, traces, every table, one partial."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from pipelines.engines.duckdb.lanes import Step, reads, run_steps
from pipelines.engines.duckdb.partials import PARTIAL
from pipelines.engines.statements import PARTIAL_COLUMNS, BucketWork, partial_sql, points_sql
from pipelines.ingest.clean import Reading
from pipelines.ingest.quoting import identifier

_RECORDS = "ingest_records"
_PERSONS = "ingest_persons"


def count_bucket(
    con: duckdb.DuckDBPyConnection,
    work: BucketWork,
    records: str,
    *,
    reading: Reading,
    numbered: bool,
    many: int = 1,
) -> None:
    """Run all statements over one bucket's records into the relation of partial totals.

    Args:
        con: A connection with the relation ``days``.
        work: The statements.
        records: SELECT of the bucket's records.
        reading: What records hold.
        numbered: Whether persons are texts that may be replaced by numbers.
        many: Statements that may run at once; where memory is too small for that, one does.
    """
    made = _make_points(con, records, reading=reading, numbered=numbered)
    steps = _steps(work)
    try:
        _run(con, steps, many=many)
    except duckdb.OutOfMemoryException:
        if many == 1:
            raise
        _drop(con, steps)
        _run(con, steps, many=1)
    _drop(con, steps)
    for kind, name in reversed(made):
        con.execute(f"DROP {kind} {identifier(name)}")


def _steps(work: BucketWork) -> list[Step]:
    names = [name for name, _ in work.relations]
    relations = [
        Step(f"CREATE TABLE {identifier(name)} AS {sql}", reads(sql, names) - {name}, name)
        for name, sql in work.relations
    ]
    totals = [
        Step(f"INSERT INTO {PARTIAL} {partial_sql(number, sql)}", reads(sql, names))
        for number, sql in enumerate(work.totals)
    ]
    return [*relations, *totals]


def _run(con: duckdb.DuckDBPyConnection, steps: Sequence[Step], *, many: int) -> None:
    con.execute(f"CREATE OR REPLACE TABLE {PARTIAL} ({PARTIAL_COLUMNS})")
    run_steps(con, steps, many=many)


def _drop(con: duckdb.DuckDBPyConnection, steps: Sequence[Step]) -> None:
    for step in steps:
        if step.makes:
            con.execute(f"DROP TABLE IF EXISTS {identifier(step.makes)}")


def _make_points(
    con: duckdb.DuckDBPyConnection, records: str, *, reading: Reading, numbered: bool
) -> list[tuple[str, str]]:
    """Make ``points``; return what was made, as (kind, name)."""
    made = [("VIEW", _RECORDS), ("VIEW", "points")]
    if numbered:
        # An exact dictionary of this bucket: two persons never share a number.
        con.execute(
            f"CREATE TABLE {_PERSONS} AS SELECT id, ROW_NUMBER() OVER () AS person "
            f"FROM (SELECT DISTINCT person AS id FROM ({records}) AS r) AS ids"
        )
        records = (
            f"SELECT r.* REPLACE (p.person AS person) FROM ({records}) AS r "
            f"JOIN {_PERSONS} AS p ON r.person = p.id"
        )
        made.insert(0, ("TABLE", _PERSONS))
    con.execute(f"CREATE VIEW {_RECORDS} AS {records}")
    points = points_sql(_RECORDS, declared=reading.declared, extra=reading.extra)
    con.execute(f"CREATE VIEW points AS {points}")
    return made
