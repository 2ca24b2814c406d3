"""Options of tables that need something elsewhere in the spec."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipelines.schemas.measured import TableParams
from pipelines.spec.fields import nearest, said
from pipelines.spec.sections import SpecFile


def unmet(file: Path, spec: SpecFile, tables: tuple[TableParams, ...]) -> list[str]:
    """Return a line for each option of a table whose need the spec does not meet."""
    return [
        f"{file}, tables[{i}] ({params.table}): {fault}"
        for i, params in enumerate(tables)
        for fault in (*_categories(spec, params), *_strata(spec, params))
    ]


def _categories(spec: SpecFile, params: TableParams) -> Iterator[str]:
    mapped = any(source.columns.category for source in spec.sources)
    if getattr(params, "categories", ()) and not mapped:
        yield (
            "categories are asked for, but no source has them. "
            'Write category = "category" in the columns of a source, or remove categories.'
        )


def _strata(spec: SpecFile, params: TableParams) -> Iterator[str]:
    from pipelines.tables import TABLES

    declared = spec.people.strata.columns if spec.people.strata else {}
    for name in params.strata:
        if name not in declared:
            hint = nearest(name, declared) or (
                " Write strata = { file, person, columns } below [people]."
            )
            yield f"strata names {said(name)}, which [people] strata does not declare.{hint}"
        elif name in TABLES[params.table].columns:
            yield (
                f"strata names {said(name)}, which is a column of the table itself. Call the "
                "column of strata by another name."
            )
