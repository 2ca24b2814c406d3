"""One bucket of whole persons: points, traces, every table, one partial."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.engines.statements import BucketWork, partial_sql, points_sql
from pipelines.ingest.clean import Reading
from pipelines.ingest.quoting import identifier, literal

_RECORDS = "ingest_records"
_PERSONS = "ingest_persons"
_PARTIAL = "ingest_partial"


def count_bucket(
    con: duckdb.DuckDBPyConnection,
    work: BucketWork,
    records: str,
    *,
    reading: Reading,
    numbered: bool,
) -> None:
    """Run all statements over one bucket's records into the relation of partial totals.

    Args:
        con: A connection with the relation ``days``.
        work: The statements.
        records: SELECT of the bucket's records.
        reading: What records hold.
        numbered: Whether persons are texts that may be replaced by numbers.
    """
    made = _make_points(con, records, reading=reading, numbered=numbered)
    con.execute(f"CREATE TABLE {_PARTIAL} (n INTEGER, d INTEGER, cell BIGINT, total BIGINT)")
    for name, statement in work.relations:
        con.execute(f"CREATE TABLE {identifier(name)} AS {statement}")
        made.append(("TABLE", name))
    for number, statement in enumerate(work.totals):
        con.execute(f"INSERT INTO {_PARTIAL} {partial_sql(number, statement)}")
    for kind, name in reversed(made):
        con.execute(f"DROP {kind} {identifier(name)}")


def write_partial(con: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Write the partial totals in one step: a file of this name is whole."""
    staged = file.with_suffix(".part")
    con.execute(f"COPY {_PARTIAL} TO {literal(str(staged))} (FORMAT parquet, COMPRESSION snappy)")
    con.execute(f"DROP TABLE {_PARTIAL}")
    staged.replace(file)


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
