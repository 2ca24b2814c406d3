"""Id map and exclusions as Spark relations."""

from __future__ import annotations

from pipelines.engines.people import classes_sql, listed_sql
from pipelines.engines.spark.reading import Relations, column_names
from pipelines.ingest import people
from pipelines.ingest.check import CheckedSource, Table
from pipelines.ingest.people import EXCLUDED, ID_MAP, Ids, PeopleFiles
from pipelines.ingest.strata import LABEL, STRATA, CheckedStrata

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
    relations.scan(_STRATA_FILES, checked.table, header=True, label=LABEL)
    written = column_names(checked.table)
    found = classes_sql(_STRATA_FILES, checked, ids, written=written, mapped=mapped)
    relations.make(STRATA, found)


def _listed(relation: str, table: Table, ids: Ids, *, names: tuple[str, ...]) -> str:
    return listed_sql(relation, table, ids, written=column_names(table), names=names)
