"""Who a record belongs to: id map and exclusions.

The exact rule. An id is its text: an integer's text is its shortest decimal form, so that 7 in one
file and "7" in another are one id, and "007" is another. Texts are compared letter by letter, as
they are written; an empty text is a missing id. The id map is a function from id to person, read
once: an id that it does not list is a person by its own name, and what it maps to is not mapped
again. An exclusion drops the person that an id maps to, and also the person of that very name.

Where all sources hold integers of at most 64 bits, and all persons of the map are integers in
their shortest form, ids stay integers: the same equality, for less work.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipelines.errors import SourceError
from pipelines.ingest.check import CheckedSource, Table, open_table
from pipelines.ingest.columns import Kind
from pipelines.ingest.lines import MALFORMED

if TYPE_CHECKING:
    from pipelines.ingest.strata import CheckedStrata

Ids = Literal["integer", "text"]

ID_MAP = "ingest_id_map"
"""Relation ``(id, person)``, each id once."""
EXCLUDED = "ingest_excluded"
"""Relation ``(person)`` of the persons to drop, each once."""
_IDS = {Kind.TEXT, Kind.UNTYPED, Kind.INTEGER, Kind.WIDE}


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFiles:
    """The checked id map (two columns), exclusions (one column) and strata; None where none."""

    id_map: Table | None
    exclusions: Table | None
    strata: CheckedStrata | None = None


def check_people(id_map: Path | None, exclusions: Path | None) -> PeopleFiles:
    """Return the files about persons after checking their columns.

    Raises:
        SourceError: a file is missing or unreadable, has another number of columns, or columns
            that are neither text nor integers.
    """
    return PeopleFiles(
        id_map=_undated(id_map, label="people.id_map", columns=("id", "person")),
        exclusions=_undated(exclusions, label="people.exclusions", columns=("id",)),
    )


def _undated(path: Path | None, *, label: str, columns: tuple[str, ...]) -> Table | None:
    if path is None:
        return None
    table = open_table(path, label=label, wanted=())
    if len(table.layout.columns) != len(columns):
        raise SourceError(
            f"{label}: {path} must have {len(columns)} column(s) ({', '.join(columns)}), "
            f"it has {len(table.layout.columns)}. Write a file with those alone."
        )
    for column in table.layout.columns:
        if column.kind not in _IDS:
            raise SourceError(
                f"{label}: column {column.name!r} of {path} holds {column.type}. "
                "Write ids as text or integers."
            )
    return table


def integers_possible(sources: tuple[CheckedSource, ...]) -> bool:
    """Return whether every source's ids are integers of at most 64 bits."""
    return all(checked.columns["person"].kind is Kind.INTEGER for checked in sources)


def integers_suffice(pairs: str) -> str:
    """Return a SELECT of one truth: whether integers can stand for all persons of an id map.

    A pair whose id is no integer in its shortest form meets no record, and does not count.

    Args:
        pairs: Relation ``(id, person)`` of texts.
    """
    fits = f"NOT {_canonical('id')} OR person IS NULL OR {_canonical('person')}"
    return f"SELECT COALESCE(BOOL_AND({fits}), TRUE) FROM {pairs}"


def same_ids(column: str, kind: Kind, ids: Ids) -> str:
    """Return SQL for an id in the form that all sources share; NULL for a missing id.

    In integer form a text that is no integer in its shortest form is NULL too: no id equals it.
    """
    if ids == "text":
        return f"NULLIF(CAST({column} AS VARCHAR), '')"
    if kind is Kind.INTEGER:
        return f"CAST({column} AS BIGINT)"
    text = f"CAST({column} AS VARCHAR)"
    return f"CASE WHEN {_canonical(text)} THEN TRY_CAST({text} AS BIGINT) END"


def mapped_pairs(listed: str) -> str:
    """Return a SELECT ``(id, person)`` of the pairs in ``listed`` that map something, each once."""
    return f"SELECT DISTINCT id, person FROM {listed} WHERE id IS NOT NULL AND person IS NOT NULL"


def conflicts(pairs: str) -> str:
    """Return a SELECT of one truth: some id of ``pairs``, each pair once, has two persons."""
    return f"SELECT COUNT(*) > COUNT(DISTINCT id) FROM {pairs}"


def conflict_error(path: Path) -> SourceError:
    """Return the error for an id map that is not a function. It names no id."""
    return SourceError(
        f"people.id_map: {path} maps one id to two persons. Write each id once; "
        "where two persons shared a device, leave its id out of the sources."
    )


def malformed(fields: str) -> str:
    """Return a SELECT of one truth: some line of a CSV file (``fields_sql``) is malformed."""
    return f"SELECT COALESCE(BOOL_OR({MALFORMED}), FALSE) FROM {fields}"


def malformed_error(table: Table) -> SourceError:
    """Return the error for a CSV file about persons of which a line would be lost."""
    fields = len(table.layout.columns)
    return SourceError(
        f"people: {table.files.paths[0]} has a line that is not {fields} field(s). Close every "
        "quote on its line, and write no delimiter outside quotes: nobody's line may be lost."
    )


def excluded_persons(listed: str, *, mapped: bool) -> str:
    """Return a SELECT of the persons that the relation ``listed`` (id) drops.

    Args:
        listed: The excluded ids.
        mapped: Whether the relation ``ID_MAP`` exists.
    """
    mapped_too = (
        f" UNION ALL SELECT m.person FROM {listed} AS x JOIN {ID_MAP} AS m ON x.id = m.id"
        if mapped
        else ""
    )
    return (
        f"SELECT DISTINCT person FROM (SELECT id AS person FROM {listed}{mapped_too}) AS dropped "
        "WHERE person IS NOT NULL"
    )


def _canonical(text: str) -> str:
    return f"COALESCE(CAST(TRY_CAST({text} AS BIGINT) AS VARCHAR) = {text}, FALSE)"
