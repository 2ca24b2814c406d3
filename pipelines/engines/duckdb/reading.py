"""Raw relations: DuckDB's readers over checked files, under the names that ingest expects."""

from __future__ import annotations

import duckdb

from pipelines.engines.duckdb.connection import paths
from pipelines.errors import SourceError
from pipelines.ingest.check import CheckedSource, Table
from pipelines.ingest.clean import raw_name
from pipelines.ingest.clock import Period
from pipelines.ingest.columns import unreadable
from pipelines.ingest.files import Files
from pipelines.ingest.lines import LINE, MALFORMED, SEPARATOR, fields_sql
from pipelines.ingest.quoting import identifier, literal
from pipelines.ingest.skipping import worth_reading

REJECTS_KEPT = 100_000
"""Unreadable lines that are counted in a file; the engine keeps their text while it runs."""


def raw_relation(checked: CheckedSource) -> str:
    """Return the name of a source's raw relation."""
    return f"ingest_raw_{checked.number}"


def rejects_relation(checked: CheckedSource) -> str:
    """Return the name of the relation of a CSV source's lines that are no text, or no end."""
    return f"ingest_rejects_{checked.number}"


def make_raw(con: duckdb.DuckDBPyConnection, checked: CheckedSource, period: Period) -> None:
    """Make the view of a source's mapped columns, without rows far outside the period."""
    names = _names(checked.table)
    columns = [
        f"{names[column.name]} AS {raw_name(role)}" for role, column in checked.columns.items()
    ]
    columns += [] if checked.table.layout.typed else [MALFORMED]
    rows = scan(checked.table, header=True, rejects=rejects_relation(checked))
    inner = f"SELECT {', '.join(columns)} FROM {rows}"
    wanted = worth_reading(checked, period)
    where = f" WHERE {wanted}" if wanted else ""
    con.execute(f"CREATE VIEW {raw_relation(checked)} AS SELECT * FROM ({inner}) AS r{where}")


def rows_to_read(con: duckdb.DuckDBPyConnection, checked: CheckedSource, period: Period) -> int:
    """Return how many rows of a source are read, about: those near the period, where files tell."""
    if checked.table.files.format == "csv" or worth_reading(checked, period) is None:
        return checked.table.layout.rows
    row = con.execute(f"SELECT COUNT(*) FROM {raw_relation(checked)}").fetchone()
    return int(row[0]) if row else 0


def scan(table: Table, *, header: bool, rejects: str | None = None) -> str:
    """Return the FROM clause that reads a table's files.

    CSV files give what ``fields_sql`` gives: c0, c1, ... by their place, and ``MALFORMED``.
    """
    files = paths(table.files.paths)
    if table.files.format == "parquet":
        return f"read_parquet({files}, hive_partitioning = false)"
    lost = (
        f", store_rejects = true, rejects_table = '{rejects}', "
        f"rejects_scan = '{rejects}_scan', rejects_limit = {REJECTS_KEPT}"
        if rejects
        else ""
    )
    lines = (
        f"read_csv({files}, columns = {{'{LINE}': 'VARCHAR'}}, header = {str(header).lower()}, "
        f"auto_detect = false, delim = {literal(SEPARATOR)}, quote = '', escape = '', "
        "new_line = '\\n', strict_mode = false, ignore_errors = true, "
        f"hive_partitioning = false{lost})"
    )
    fields, delimiter = len(table.layout.columns), table.layout.delimiter
    cut = fields_sql(lines, fields=fields, delimiter=delimiter, marked=not header)
    return f"({cut}) AS fields"


def column_names(table: Table) -> list[str]:
    """Return the SQL names of a table's columns in order, as ``scan`` gives them."""
    if table.layout.typed:
        return [identifier(column.name) for column in table.layout.columns]
    return [f"c{i}" for i in range(len(table.layout.columns))]


def damaged(
    con: duckdb.DuckDBPyConnection, sources: tuple[CheckedSource, ...]
) -> SourceError | None:
    """Return the error for the first file that cannot be read to its end; None if all can."""
    for checked in sources:
        layout, names = checked.table.layout, _names(checked.table)
        columns = ", ".join(names[column.name] for column in checked.columns.values())
        for file in checked.table.files.paths:
            one = Table(files=Files(checked.table.files.format, (file,)), layout=layout)
            rows = scan(one, header=True)
            try:
                con.execute(f"SELECT BIT_XOR(HASH({columns})) FROM {rows}").fetchall()
            except duckdb.Error:
                return unreadable(file, label=checked.source.label)
    return None


def _names(table: Table) -> dict[str, str]:
    return dict(zip(table.layout.names, column_names(table), strict=True))
