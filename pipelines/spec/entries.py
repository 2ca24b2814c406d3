"""``[[derived]]`` entries of a spec: each validated by its own declaration, as tables are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipelines.schemas.derived import DerivedParams
from pipelines.spec import faults
from pipelines.spec.fields import nearest, said
from pipelines.spec.schema import table_schema
from pipelines.spec.toml import to_json


def derived_entries(
    file: Path, entries: Any, *, context: dict[str, Any]
) -> tuple[tuple[DerivedParams, ...], list[str]]:
    """Return the entries and the lines of their faults.

    Args:
        file: The spec.
        entries: What stands under ``derived``.
        context: Base folder of paths, as for the whole spec.
    """
    from pipelines.derived import DERIVED

    found: list[DerivedParams] = []
    wrong: list[str] = []
    for i, entry in enumerate(entries if isinstance(entries, list) else []):
        if not isinstance(entry, dict):
            continue
        name, at = entry.get("table"), ("derived", i)
        if not isinstance(name, str) or name not in DERIVED:
            wrong.append(f"{faults.opening(file)(at)}{_unknown(name, list(DERIVED))}")
            continue
        try:
            model = DERIVED[name].params
            found.append(model.model_validate_json(to_json(entry), strict=True, context=context))
        except ValidationError as error:
            where = faults.opening(file, table=name)
            wrong += faults.lines(error, schema=table_schema(DERIVED[name]), where=where, at=at)
    return tuple(found), wrong


def _unknown(name: object, known: list[str]) -> str:
    from pipelines.tables import TABLES

    listed = f"Known derived tables: {', '.join(sorted(known))}."
    if not isinstance(name, str):
        return f"table is missing or no name in quotes. {listed}"
    if name in TABLES:
        return f"{said(name)} is measured, not derived. Write it under [[tables]]."
    return f"{said(name)} is no derived table.{nearest(name, known)} {listed}"
