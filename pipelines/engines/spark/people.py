"""Id map and exclusions as Spark relations."""

from __future__ import annotations

from pipelines.engines.spark.reading import Relations, column_names
from pipelines.ingest import people
from pipelines.ingest.check import CheckedSource, Table
from pipelines.ingest.lines import MALFORMED
from pipelines.ingest.people import EXCLUDED, ID_MAP, Ids, PeopleFiles
from pipelines.ingest.strata import LABEL, STRATA, CheckedStrata, strata_sql

_MAP_FILES = "ingest_id_map_files"
_LIST_FILES = "ingest_exclusion_files"
_STRATA_FILES = "ingest_strata_files"
_LISTED = "ingest_listed"


def make_people(
    relations: Relations, files: PeopleFiles, sources: tuple[CheckedSource, ...]
) -> Ids:
    """Make ``ID_MAP`` and ``EXCLUDED`` where there are files for them; return how ids compare.

    The first line of a CSV file counts as a line of ids, too: a header names nobody, and a file
    without one loses nobody.

    Raises:
        SourceError: the id map gives one id two persons, or a line of a CSV file is malformed.
    """
    ids: Ids = "integer" if people.integers_possible(sources) else "text"
    if files.id_map is not None:
        _scan(relations, _MAP_FILES, files.id_map, label="people.id_map")
        if ids == "integer":
            pairs = f"({_listed(_MAP_FILES, files.id_map, 'text', names=('id', 'person'))}) AS p"
            ids = "integer" if relations.truth(people.integers_suffice(pairs)) else "text"
        listed = _listed(_MAP_FILES, files.id_map, ids, names=("id", "person"))
        relations.make(ID_MAP, people.mapped_pairs(f"({listed}) AS listed"))
        if relations.truth(people.conflicts(ID_MAP)):
            raise people.conflict_error(files.id_map.files.paths[0])
    if files.exclusions is not None:
        _scan(relations, _LIST_FILES, files.exclusions, label="people.exclusions")
        relations.make(_LISTED, _listed(_LIST_FILES, files.exclusions, ids, names=("id",)))
        relations.make(EXCLUDED, people.excluded_persons(_LISTED, mapped=files.id_map is not None))
    if files.strata is not None:
        _make_strata(relations, files.strata, ids, mapped=files.id_map is not None)
    return ids


def _scan(relations: Relations, name: str, table: Table, *, label: str) -> None:
    relations.scan(name, table, header=False, label=label)
    if not table.layout.typed and relations.truth(people.malformed(name)):
        raise people.malformed_error(table)


def _make_strata(relations: Relations, checked: CheckedStrata, ids: Ids, *, mapped: bool) -> None:
    table = checked.table
    relations.scan(_STRATA_FILES, table, header=True, label=LABEL)
    by_name = dict(zip(table.layout.names, column_names(table), strict=True))
    person, *classes = checked.columns
    columns = [f"{people.same_ids(by_name[person.name], person.kind, ids)} AS id"]
    columns += [f"{by_name[column.name]} AS v{i}" for i, column in enumerate(classes)]
    whole = "" if table.layout.typed else f" WHERE NOT {MALFORMED}"
    listed = f"(SELECT {', '.join(columns)} FROM {_STRATA_FILES}{whole})"
    relations.make(STRATA, strata_sql(checked.declared.strata, listed, mapped=mapped))


def _listed(relation: str, table: Table, ids: Ids, *, names: tuple[str, ...]) -> str:
    columns = ", ".join(
        f"{people.same_ids(written, column.kind, ids)} AS {name}"
        for written, column, name in zip(
            column_names(table), table.layout.columns, names, strict=True
        )
    )
    return f"SELECT {columns} FROM {relation}"
