"""``load_spec``: one TOML file to a ReleaseSpec, or every fault of it at once."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipelines.engines.contract import Resources
from pipelines.errors import SpecError
from pipelines.ingest.source import Drop, Source
from pipelines.schemas.derived import DerivedParams
from pipelines.schemas.measured import TableParams
from pipelines.spec import faults
from pipelines.spec.entries import derived_entries
from pipelines.spec.estimates import weight_rows
from pipelines.spec.fields import exact_text, nearest, said
from pipelines.spec.options import unmet
from pipelines.spec.outages import read_outages
from pipelines.spec.records import SourceSection
from pipelines.spec.release import ReleaseSpec
from pipelines.spec.schema import Schema, model_schema, release_schema, table_schema
from pipelines.spec.sections import SpecFile
from pipelines.spec.toml import read_toml, to_json

_MISSING = "Write the path of a release spec; `murmuration init` makes one."


def load_spec(path: str | os.PathLike[str], *, check_data: bool = True) -> ReleaseSpec:
    """Return the release spec in a TOML file, paths resolved against its folder.

    Args:
        path: The file.
        check_data: Whether private files (sources, id map, exclusions) must exist. Planning needs
            none of them.

    Raises:
        SpecError: with one line per fault: file, place, value, and what to write instead.
    """
    file = Path(path)
    data = read_toml(file, missing=_MISSING)
    context = {"base": file.parent, "check_data": check_data}
    tables, found = _tables(file, data.get("tables"))
    derived, wrong = derived_entries(file, data.get("derived"), context=context)
    found += wrong
    try:
        spec = SpecFile.model_validate_json(to_json(data), strict=True, context=context)
    except ValidationError as error:
        schema = _spec_schema()
        found = faults.lines(error, schema=schema, where=faults.opening(file)) + found
        raise SpecError("\n".join(found)) from None
    found += _across(file, spec) + unmet(file, spec, tables)
    if found:
        raise SpecError("\n".join(found))
    return _resolved(file, spec, tables, derived)


def json_schema() -> Schema:
    """Return the JSON Schema of a release spec, table entries included, for editors."""
    from pipelines.derived import DERIVED
    from pipelines.tables import TABLES

    return release_schema(SpecFile, TABLES, DERIVED)


@cache
def _spec_schema() -> Schema:
    return model_schema(SpecFile)


def _tables(file: Path, entries: Any) -> tuple[tuple[TableParams, ...], list[str]]:
    """Return the table entries and the lines of their faults."""
    from pipelines.tables import TABLES

    tables: list[TableParams] = []
    found: list[str] = []
    first: dict[str, int] = {}
    for i, entry in enumerate(entries if isinstance(entries, list) else []):
        if not isinstance(entry, dict):
            continue
        name = entry.get("table")
        if not isinstance(name, str) or name not in TABLES:
            found.append(f"{faults.opening(file)(('tables', i))}{_unknown(name, list(TABLES))}")
            continue
        where = faults.opening(file, table=name)
        if name in first:
            found.append(
                f"{where(('tables', i))}the table is asked for twice, first in "
                f"tables[{first[name]}]. Remove one of the two entries."
            )
        first.setdefault(name, i)
        exact, wrong = _shared(entry, where(("tables", i)))
        found += wrong
        try:
            tables.append(TABLES[name].params.model_validate_json(to_json(exact), strict=True))
        except ValidationError as error:
            schema = table_schema(TABLES[name])
            found += faults.lines(error, schema=schema, where=where, at=("tables", i))
    return tuple(tables), found


def _shared(entry: dict[str, Any], opening: str) -> tuple[dict[str, Any], list[str]]:
    """Return a table entry with its share written exactly, and the line when it is not exact."""
    if "share" not in entry:
        return entry, []
    try:
        share = exact_text(entry["share"])
    except ValueError as fault:
        return {key: v for key, v in entry.items() if key != "share"}, [f"{opening}share {fault}"]
    return {**entry, "share": str(share)}, []


def _unknown(name: object, known: list[str]) -> str:
    listed = f"Known tables: {', '.join(sorted(known))}."
    if name is None:
        return f"table is missing. {listed}"
    if not isinstance(name, str):
        return f"table must be a name in quotes, got {said(name)}. {listed}"
    return f"{said(name)} is no table.{nearest(name, known)} {listed}"


def _across(file: Path, spec: SpecFile) -> list[str]:
    """Return the faults that lie between sections."""
    where = faults.opening(file)
    found = []
    for i, source in enumerate(spec.sources):
        twin = next((j for j in range(i) if spec.sources[j] == source), None)
        if twin is not None:
            found.append(f"{where(('sources', i))}the same source as sources[{twin}]. Remove one.")
    if spec.series.policy is None and not spec.series.ledger.exists():
        found.append(
            f"{where(('series',))}ledger does not exist: {said(spec.series.ledger.name)}. Make it "
            'with `murmuration ledger create`, or write policy = "policy.toml" to plan without it.'
        )
    return found + _exposed(file, spec)


def _exposed(file: Path, spec: SpecFile) -> list[str]:
    """Return a fault for each private path inside the folder that is meant for publication."""
    public = Path(os.path.abspath(spec.release.folder))  # noqa: PTH100  keeps links as written
    private = {
        "release, work": spec.release.work,
        "series, ledger": spec.series.ledger,
        **{f"sources[{i}], path": s.path for i, s in enumerate(spec.sources)},
        "people, id_map": spec.people.id_map,
        "people, exclusions": spec.people.exclusions,
        "people, strata": spec.people.strata.file if spec.people.strata else None,
    }
    return [
        f"{file}, {place} lies inside release.folder, which is meant for publication. "
        "Write another place for one of the two."
        for place, path in private.items()
        if path is not None and Path(os.path.abspath(path)).is_relative_to(public)  # noqa: PTH100
    ]


def _resolved(
    file: Path,
    spec: SpecFile,
    tables: tuple[TableParams, ...],
    derived: tuple[DerivedParams, ...],
) -> ReleaseSpec:
    engine = spec.engine
    return ReleaseSpec(
        path=file,
        title=spec.title,
        dates=spec.dates,
        issue=spec.issue,
        series=spec.series,
        zones=spec.zones,
        sources=tuple(_source(i, section) for i, section in enumerate(spec.sources)),
        declared=tuple(spec.sources),
        outages=None if spec.outages is None else read_outages(spec.outages.file),
        people=spec.people,
        traces=spec.traces,
        tables=tables,
        derived=derived,
        history=spec.history,
        estimates=spec.estimates,
        weight_rows=weight_rows(spec.estimates),
        layers=spec.layers,
        release=spec.release,
        engine_name=engine.name,
        engine=Resources(
            memory_mb=engine.memory_mb,
            threads=engine.threads,
            spill_gb=engine.spill_gb,
            master=engine.master,
        ),
    )


def _source(i: int, section: SourceSection) -> Source:
    columns = section.columns
    return Source(
        label=f"sources[{i}]",
        kind=section.kind,
        path=section.path,
        person=columns.person,
        time=columns.time,
        end=columns.end,
        lat=columns.lat,
        lon=columns.lon,
        zone=columns.zone or columns.tower,
        drop=tuple(Drop(rule.column, rule.prefixes) for rule in section.drop or ()),
        category=columns.category,
        naive_time_zone=section.naive_time_zone,
        time_unit=section.time_unit,
        time_format=section.time_format,
    )
