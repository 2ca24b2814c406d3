"""Numbers for text ids: an exact dictionary of all persons, made before anything is staged.

Texts cost more than all else of a record to sort, hash and write. Each mapped person gets one
number and no two share one; numbers never reach a result, and a statement that hashes persons
(sampling) keeps the texts.
"""

from __future__ import annotations

from dataclasses import replace

import duckdb

from pipelines.engines.duckdb.reading import raw_relation
from pipelines.ingest.check import CheckedSource
from pipelines.ingest.clean import Reading, raw_name
from pipelines.ingest.columns import Kind
from pipelines.ingest.people import EXCLUDED, ID_MAP, same_ids
from pipelines.ingest.strata import STRATA

_IDS = "ingest_ids"
_NUMBERS = "ingest_numbers"
_PERSON = raw_name("person")


def worth_numbering(sources: tuple[CheckedSource, ...], reading: Reading) -> bool:
    """Return whether numbers pay: for texts, where a second look at the ids alone is cheap.

    A CSV file would be parsed twice for them.
    """
    packed = all(checked.table.files.format == "parquet" for checked in sources)
    return reading.ids == "text" and packed


def number_persons(
    con: duckdb.DuckDBPyConnection, sources: tuple[CheckedSource, ...], reading: Reading
) -> tuple[tuple[CheckedSource, ...], Reading]:
    """Put a mapped person's number in the place of each id; return sources and reading to match.

    The id map is then applied, and ``EXCLUDED`` holds numbers.
    """
    ids = " UNION ALL ".join(
        f"SELECT {same_ids(_PERSON, checked.columns['person'].kind, 'text')} AS id "
        f"FROM {raw_relation(checked)}"
        for checked in sources
    )
    name = "COALESCE(m.person, i.id)" if reading.mapped else "i.id"
    joined = f"LEFT JOIN {ID_MAP} AS m ON i.id = m.id" if reading.mapped else ""
    con.execute(
        f"CREATE TABLE {_IDS} AS SELECT i.id, {name} AS name "
        f"FROM (SELECT DISTINCT id FROM ({ids}) AS every WHERE id IS NOT NULL) AS i {joined}"
    )
    con.execute(
        f"CREATE TABLE {_NUMBERS} AS SELECT name, ROW_NUMBER() OVER () AS person "
        f"FROM (SELECT DISTINCT name FROM {_IDS}) AS names"
    )
    if reading.excluding:
        _swap(
            con,
            EXCLUDED,
            f"SELECT n.person FROM {_NUMBERS} AS n JOIN {EXCLUDED} AS x ON n.name = x.person",
        )
    if reading.strata:
        _swap(
            con,
            STRATA,
            f"SELECT n.person, s.stratum FROM {_NUMBERS} AS n JOIN {STRATA} AS s "
            "ON n.name = s.person",
        )
    _swap(con, _IDS, f"SELECT i.id, n.person FROM {_IDS} AS i JOIN {_NUMBERS} AS n USING (name)")
    con.execute(f"DROP TABLE {_NUMBERS}")
    numbered = tuple(_numbered(con, checked) for checked in sources)
    return numbered, replace(reading, ids="integer", mapped=False)


def _numbered(con: duckdb.DuckDBPyConnection, checked: CheckedSource) -> CheckedSource:
    raw = raw_relation(checked)
    named = f"{raw}_named"
    column = checked.columns["person"]
    con.execute(f"ALTER VIEW {raw} RENAME TO {named}")
    con.execute(
        f"CREATE VIEW {raw} AS SELECT r.* REPLACE (i.person AS {_PERSON}) FROM {named} AS r "
        f"LEFT JOIN {_IDS} AS i ON {same_ids(f'r.{_PERSON}', column.kind, 'text')} = i.id"
    )
    number = replace(column, kind=Kind.INTEGER)
    return replace(checked, columns={**checked.columns, "person": number})


def _swap(con: duckdb.DuckDBPyConnection, name: str, statement: str) -> None:
    con.execute(f"CREATE TABLE ingest_swap AS {statement}")
    con.execute(f"DROP TABLE {name}")
    con.execute(f"ALTER TABLE ingest_swap RENAME TO {name}")
