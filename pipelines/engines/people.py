"""The files about persons as SQL: who is the same person is one text for every engine."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.ingest import people
from pipelines.ingest.check import Table
from pipelines.ingest.lines import MALFORMED
from pipelines.ingest.people import Ids
from pipelines.ingest.strata import CheckedStrata, strata_sql


def listed_sql(
    rows: str, table: Table, ids: Ids, *, written: Sequence[str], names: Sequence[str]
) -> str:
    """Return a query of ids as they compare with those of records.

    Args:
        rows: A relation or table function that gives the file's rows.
        table: The file.
        ids: How ids compare.
        written: The engine's names of the file's columns, in order.
        names: What to call them.
    """
    columns = ", ".join(
        f"{people.same_ids(column_name, column.kind, ids)} AS {name}"
        for column_name, column, name in zip(written, table.layout.columns, names, strict=True)
    )
    return f"SELECT {columns} FROM {rows}"


def classes_sql(
    rows: str, checked: CheckedStrata, ids: Ids, *, written: Sequence[str], mapped: bool
) -> str:
    """Return a query of the classes of persons.

    Args:
        rows: A relation or table function that gives the file's rows.
        checked: The file of strata.
        ids: How ids compare.
        written: The engine's names of the file's columns, in order.
        mapped: Whether there is an id map.
    """
    layout = checked.table.layout
    by_name = dict(zip(layout.names, written, strict=True))
    person, *classes = checked.columns
    columns = [f"{people.same_ids(by_name[person.name], person.kind, ids)} AS id"]
    columns += [f"{by_name[column.name]} AS v{i}" for i, column in enumerate(classes)]
    whole = "" if layout.typed else f" WHERE NOT {MALFORMED}"
    listed = f"(SELECT {', '.join(columns)} FROM {rows}{whole})"
    return strata_sql(checked.declared.strata, listed, mapped=mapped)
