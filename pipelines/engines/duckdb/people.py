"""Id map and exclusions as DuckDB relations."""

from __future__ import annotations

import duckdb

from pipelines.engines.duckdb.reading import column_names, scan
from pipelines.engines.people import classes_sql, listed_sql
from pipelines.ingest import people
from pipelines.ingest.check import CheckedSource, Table
from pipelines.ingest.people import EXCLUDED, ID_MAP, Ids, PeopleFiles
from pipelines.ingest.strata import STRATA, CheckedStrata

_LISTED = "ingest_listed"


def make_people(
    con: duckdb.DuckDBPyConnection, files: PeopleFiles, sources: tuple[CheckedSource, ...]
) -> Ids:
    """Make ``ID_MAP``, ``EXCLUDED`` and ``STRATA`` where there are files; return how ids compare.

    The first line of a CSV file counts as a line of ids, too: a header names nobody, and a file
    without one loses nobody.

    Raises:
        SourceError: the id map gives one id two persons, or a line of a CSV file is malformed.
    """
    ids: Ids = "integer" if people.integers_possible(sources) else "text"
    for table in (files.id_map, files.exclusions):
        if table is not None and not table.layout.typed:
            lines = scan(table, header=False)
            if _truth(con, people.malformed(lines)):
                raise people.malformed_error(table)
    if files.id_map is not None:
        if ids == "integer":
            pairs = f"({_listed(files.id_map, 'text', names=('id', 'person'))}) AS pairs"
            ids = "integer" if _truth(con, people.integers_suffice(pairs)) else "text"
        _make_map(con, files.id_map, ids)
    if files.exclusions is not None:
        con.execute(f"CREATE TABLE {_LISTED} AS {_listed(files.exclusions, ids, names=('id',))}")
        dropped = people.excluded_persons(_LISTED, mapped=files.id_map is not None)
        con.execute(f"CREATE TABLE {EXCLUDED} AS {dropped}")
        con.execute(f"DROP TABLE {_LISTED}")
    if files.strata is not None:
        _make_strata(con, files.strata, ids, mapped=files.id_map is not None)
    return ids


def _make_strata(
    con: duckdb.DuckDBPyConnection, checked: CheckedStrata, ids: Ids, *, mapped: bool
) -> None:
    rows, written = scan(checked.table, header=True), column_names(checked.table)
    found = classes_sql(rows, checked, ids, written=written, mapped=mapped)
    con.execute(f"CREATE TABLE {STRATA} AS {found}")


def _make_map(con: duckdb.DuckDBPyConnection, table: Table, ids: Ids) -> None:
    listed = f"({_listed(table, ids, names=('id', 'person'))}) AS listed"
    con.execute(f"CREATE TABLE {ID_MAP} AS {people.mapped_pairs(listed)}")
    if _truth(con, people.conflicts(ID_MAP)):
        raise people.conflict_error(table.files.paths[0])


def _listed(table: Table, ids: Ids, *, names: tuple[str, ...]) -> str:
    rows, written = scan(table, header=False), column_names(table)
    return listed_sql(rows, table, ids, written=written, names=names)


def _truth(con: duckdb.DuckDBPyConnection, statement: str) -> bool:
    row = con.execute(statement).fetchone()
    return row is not None and bool(row[0])
