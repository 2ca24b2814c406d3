"""The file of strata: public classes of persons. Undated, private, and held fixed.

Ids follow the rule of ``people``: an id that the id map lists stands for its person, any other for
itself. A value that the spec does not list is unknown, and so is a column in which two lines of one
person differ; a person without a line is unknown in every column. What a person's stratum is
depends on the lines of that person alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.errors import SourceError
from pipelines.ingest.check import Table, open_table
from pipelines.ingest.columns import Column, Kind
from pipelines.ingest.people import ID_MAP, PeopleFiles, check_people
from pipelines.ingest.quoting import literal
from pipelines.ingest.source import StrataFile
from pipelines.schemas.strata import Stratum

LABEL = "people.strata"
STRATA = "ingest_strata"
"""Relation ``(person, stratum)`` of the persons of whom something is known, each once."""
_NAMED = {Kind.TEXT, Kind.UNTYPED, Kind.INTEGER, Kind.WIDE}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedStrata:
    """A file of strata whose columns are there: ids first, then the strata in order."""

    declared: StrataFile
    table: Table
    columns: tuple[Column, ...]


def check_strata(declared: StrataFile) -> CheckedStrata:
    """Return the file after checking its columns.

    Raises:
        SourceError: the file is missing or unreadable, or a column is missing or of a type that
            is neither text nor integers.
    """
    wanted = (declared.person, *(stratum.name for stratum in declared.strata))
    table = open_table(declared.path, label=LABEL, wanted=wanted)
    by_name = {column.name: column for column in table.layout.columns}
    columns = tuple(by_name[name] for name in wanted)
    for column in columns:
        if column.kind not in _NAMED:
            raise SourceError(
                f"{LABEL}: column {column.name!r} of {declared.path} holds {column.type}. "
                "Write ids and classes as text or integers."
            )
    return CheckedStrata(declared=declared, table=table, columns=columns)


def check_persons(
    id_map: Path | None, exclusions: Path | None, strata: StrataFile | None
) -> PeopleFiles:
    """Return all undated files about persons after checking their columns.

    Raises:
        SourceError: as ``check_people`` and ``check_strata``.
    """
    people = check_people(id_map, exclusions)
    return replace(people, strata=check_strata(strata)) if strata is not None else people


def strata_sql(strata: tuple[Stratum, ...], listed: str, *, mapped: bool) -> str:
    """Return a SELECT ``(person, stratum)``: one row for each person that a file lists.

    Args:
        strata: The declared columns.
        listed: Relation ``(id, v0, v1, ...)`` of the file's lines: ids as all sources share them,
            classes as they are written.
        mapped: Whether the relation ``ID_MAP`` exists.
    """
    person = "COALESCE(m.person, l.id)" if mapped else "l.id"
    joined = f" LEFT JOIN {ID_MAP} AS m ON l.id = m.id" if mapped else ""
    codes = ", ".join(f"{_code(f'v{i}', one)} AS k{i}" for i, one in enumerate(strata))
    stratum = "0"
    for i, one in enumerate(strata):
        unknown = len(one.values)
        agreed = f"CASE WHEN MIN(k{i}) = MAX(k{i}) THEN MIN(k{i}) ELSE {unknown} END"
        stratum = f"({stratum}) * {len(one.labels)} + {agreed}"
    return (
        f"SELECT person, CAST({stratum} AS INTEGER) AS stratum FROM ("
        f"SELECT {person} AS person, {codes} FROM {listed} AS l{joined}) AS lines "
        "WHERE person IS NOT NULL GROUP BY person"
    )


def _code(column: str, stratum: Stratum) -> str:
    text = f"CAST({column} AS VARCHAR)"
    cases = " ".join(f"WHEN {text} = {literal(v)} THEN {i}" for i, v in enumerate(stratum.values))
    return f"CASE {cases} ELSE {len(stratum.values)} END"
