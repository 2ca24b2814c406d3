"""``datapackage.json``: every table and column with type, unit and meaning (Frictionless v1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipelines.release.derived_rows import DERIVED_STATUSES, derived_columns
from pipelines.release.level_files import level_columns
from pipelines.release.level_shapes import level_shape
from pipelines.release.level_sums import LEVEL_FOLDER
from pipelines.release.outages import FILE
from pipelines.release.status import STATUSES
from pipelines.release.thresholds import ABSENT
from pipelines.schemas.levels import LEVELS, ZONE, raw_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipelines.release.books import Booking
    from pipelines.release.columns import Column
    from pipelines.release.derived_plan import PlannedDerived
    from pipelines.release.frames import Shape
    from pipelines.release.model import Plan

_ORDER = "by date, then by key in published order, the first key column varying slowest"
_RAW = "Layer 1: the measurement as drawn, before anything is computed from it."
_MEDIA = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def dictionary(
    plan: Plan,
    booking: Booking,
    shapes: Mapping[str, Shape],
    *,
    thresholded: Mapping[str, Shape],
) -> dict[str, Any]:
    """Return the content of ``datapackage.json``.

    A table is described once for its CSV and once for its Parquet file; both hold the same rows in
    the same order. In these nothing is missing: a cell without a value says why in ``status``. A
    table in ``thresholded/`` has rows for released cells alone, and says what the others are.
    """
    resources = [one for name, shape in shapes.items() for one in _table(name, shape, plan)]
    few = [one for name, shape in thresholded.items() for one in _thresholded(name, shape, plan)]
    derived = [resource for one in plan.derived for resource in _derived(one, plan)]
    zones = {
        "name": "zones",
        "path": "zones.geojson",
        "format": "geojson",
        "mediatype": "application/geo+json",
        "title": "The public zones: zone (id), name, parent, population, geometry in WGS 84.",
    }
    return {
        "profile": "data-package",
        "name": booking.release,
        "title": plan.spec.title,
        "statuses": dict(DERIVED_STATUSES if plan.derived else STATUSES),
        "resources": [*resources, *few, *derived, zones, *_outages(plan)],
    }


def _outages(plan: Plan) -> list[dict[str, Any]]:
    """Return the resource of the declared outages, in a list that is empty without them."""
    if not plan.world.outages:
        return []
    times = {"type": "datetime", "format": "any"}
    fields: list[dict[str, Any]] = [
        {"name": "zone", "type": "string", "description": "zone without service"},
        {"name": "from", **times, "description": "first instant without service"},
        {"name": "to", **times, "description": "first instant with service again"},
    ]
    if any(one.part for one in plan.world.outages):
        told = "whole: nothing was recorded there; part: some of the zone's towers still recorded"
        fields.append({"name": "extent", "type": "string", "description": told})
    return [
        {
            "name": "outages",
            "path": FILE,
            "profile": "tabular-data-resource",
            "format": "csv",
            "mediatype": _MEDIA["csv"],
            "encoding": "utf-8",
            "title": "Declared outages that meet the dates; no_data and partial follow from them.",
            "schema": {"fields": fields},
        }
    ]


def _table(name: str, shape: Shape, plan: Plan) -> list[dict[str, Any]]:
    summary, levels = shape.measured.summary, plan.levels(name)
    if len(levels) > 1:
        summary += f" Consistent over the levels {', '.join(levels)}; rows share noise."
    raw = [
        _resource(
            f"measurements/{raw_name(name, level)}.parquet",
            level_shape(plan, name, level).raw_columns,
            title=_RAW if level == ZONE else f"{_RAW} Level: {level} ({LEVELS[level]}).",
        )
        for level in levels
    ]
    return [
        _resource(f"tables/{name}.csv", shape.columns, title=summary),
        _resource(f"tables/{name}.parquet", shape.columns, title=summary),
        *raw,
        *(_shared(name, plan) if len(levels) > 1 else ()),
    ]


def _thresholded(name: str, shape: Shape, plan: Plan) -> list[dict[str, Any]]:
    """Return the files of a table of which only cells that reach a threshold have a row."""
    row = next(row for row in plan.rows() if row["table"] == name)
    more = {"released_from": row["released_from"], "absent_rows": f"not_released: {ABSENT}"}
    columns, summary = shape.columns, shape.measured.summary
    return [
        {**_resource(f"thresholded/{name}.{kind}", columns, title=summary), **more}
        for kind in ("csv", "parquet")
    ] + [{**_resource(f"measurements/{name}.parquet", shape.raw_columns, title=_RAW), **more}]


def _shared(name: str, plan: Plan) -> list[dict[str, Any]]:
    """Return the resource of a table's file of levels."""
    title = f"How rows of {name} share noise: the tree of places above its cells, for sums of rows."
    told = _resource(f"{LEVEL_FOLDER}/{name}.csv", level_columns(plan, name), title=title)
    return [{**told, "row_order": "by first date, then from the parents to the city"}]


def _derived(one: PlannedDerived, plan: Plan) -> list[dict[str, Any]]:
    told, columns = one.declaration, derived_columns(one, plan.facts)
    more = {
        "derived_from": sorted(told.needs | one.params.reads),
        "counts": told.counts(plan.facts, one.params),
        "bias": told.bias,
        "interval": told.interval,
        "source": told.source,
    }
    return [
        {
            **_resource(
                f"tables/{one.name}.{kind}",
                columns,
                title=told.summary,
                statuses=DERIVED_STATUSES,
            ),
            **more,
        }
        for kind in ("csv", "parquet")
    ]


def _resource(
    path: str,
    columns: tuple[Column, ...],
    *,
    title: str,
    statuses: Iterable[str] = STATUSES,
) -> dict[str, Any]:
    stem, _, kind = path.rpartition(".")
    tabular = {"profile": "tabular-data-resource", "encoding": "utf-8"} if kind == "csv" else {}
    return {
        "name": stem.replace("/", "-").replace("_", "-") + f"-{kind}",
        "path": path,
        "format": kind,
        "mediatype": _MEDIA[kind],
        **tabular,
        "title": title,
        "row_order": _ORDER,
        "schema": {
            "fields": [_field(column, statuses) for column in columns],
            "primaryKey": [column.name for column in columns if column.key],
            "missingValues": [""],
        },
    }


def _field(column: Column, statuses: Iterable[str]) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, **_type(column.type)}
    field["description"] = column.meaning
    if column.unit:
        field["unit"] = column.unit
    field["constraints"] = {"required": True}
    if column.name == "status":
        field["constraints"]["enum"] = list(statuses)
    return field


def _type(kind: pa.DataType) -> dict[str, str]:
    if pa.types.is_date(kind):
        return {"type": "date"}
    if pa.types.is_timestamp(kind):
        return {"type": "datetime", "format": "any", "time_zone": str(kind.tz)}
    if pa.types.is_integer(kind):
        return {"type": "integer"}
    if pa.types.is_floating(kind):
        return {"type": "number"}
    return {"type": "string"}
