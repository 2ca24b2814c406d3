"""Filling a staged folder from stored measurements. No record is read; nothing here costs budget.

The same plan, booking and stored measurements give the same bytes, whenever and wherever the
folder is derived with the same versions.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from dp.sparse import NoisySparse
from dp.tables import Noisy
from pipelines.release import outages
from pipelines.release.columns import schema_of, threshold_columns
from pipelines.release.derived_rows import write_derived
from pipelines.release.dictionary import dictionary
from pipelines.release.earlier import epoch_of
from pipelines.release.files import CsvFile, ParquetFile
from pipelines.release.frames import (
    Shape,
    measurement_rows,
    table_rows,
    threshold_measurement_rows,
    threshold_rows,
)
from pipelines.release.layers.base import Made
from pipelines.release.layers.write import layer_resources, layers_text, write_layers
from pipelines.release.level_files import write_levels
from pipelines.release.level_shapes import level_shape
from pipelines.release.levels import best_of
from pipelines.release.manifest import json_text, write_manifest
from pipelines.release.model import PlannedMeasurement
from pipelines.release.privacy import privacy_facts
from pipelines.release.readme import readme_text
from pipelines.schemas.derived import Published
from pipelines.schemas.levels import raw_name
from pipelines.tables import TABLES

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from dp.postprocess import Best
    from pipelines.progress import Progress
    from pipelines.release.books import Booking
    from pipelines.release.model import Plan
    from pipelines.schemas.zones import ZoneSet

PACKAGE = "murmuration-mobility"
THRESHOLDED = "thresholded"
"""Folder of the tables of which only cells that reach a threshold have a row."""
_REMEMBERED = 4


@dataclass(frozen=True, slots=True)
class Recall:
    """Gives back stored measurements.

    Attributes:
        whole: Of a table of which every key is published.
        sparse: Of a table with a threshold.
    """

    whole: Callable[[PlannedMeasurement], Noisy]
    sparse: Callable[[PlannedMeasurement], NoisySparse]


def derive(
    folder: Path,
    *,
    plan: Plan,
    booking: Booking,
    recall: Recall,
    progress: Progress,
) -> str:
    """Write every file of a release into an empty folder; return the manifest's SHA-256.

    Args:
        folder: A staged folder.
        plan: The plan as the books stood when the release was drawn.
        booking: Release id, ledger id and head.
        recall: Gives back stored measurements.
        progress: Hears how far the tables are.
    """
    shapes = {name: level_shape(plan, name) for name in plan.tables}
    few = {name: _few(plan, name) for name in plan.thresholded}
    for kind in ("tables", "measurements"):
        (folder / kind).mkdir()
    published = published_of(plan, recall.whole)
    for i, name in enumerate(plan.tables):
        progress.at("Writing tables", i / (len(plan.tables) + 1))
        _write_table(folder, plan, shape=shapes[name], published=published)
        _write_measurements(folder / "measurements", plan, shape=shapes[name], recall=recall.whole)
        if len(plan.levels(name)) > 1:
            write_levels(folder, plan, name)
    for name, shape in few.items():
        _write_thresholded(folder, plan.of(name), shape=shape, recall=recall.sparse)
    for derived in plan.derived:
        write_derived(folder / "tables", derived, published)
    made = Made(folder=folder, plan=plan, shapes=shapes, recall=recall.whole, published=published)
    layers = write_layers(made)
    progress.at("Writing tables", 1.0)
    _write(folder / "zones.geojson", zones_text(plan.world.zones))
    if plan.world.outages:
        _write(folder / outages.FILE, outages.outages_text(plan.world))
    told = dictionary(plan, booking, shapes, thresholded=few)
    told["resources"] += layer_resources(layers)
    _write(folder / "datapackage.json", json_text(told))
    _write(folder / "privacy.json", json_text(privacy_facts(plan, booking)))
    _write(
        folder / "README.md", readme_text(plan, booking, shapes | few) + layers_text(made, layers)
    )
    facts = manifest_facts(plan, booking)
    digest = write_manifest(folder, facts)
    if plan.spec.release.report:
        from pipelines.report.page import write_report

        progress.at("Writing the report", 0.0)
        write_report(folder)
        digest = write_manifest(folder, facts)
        progress.at("Writing the report", 1.0)
    return digest


def manifest_facts(plan: Plan, booking: Booking) -> dict[str, Any]:
    """Return what a manifest says besides its files."""
    return {
        "release": booking.release,
        "title": plan.spec.title,
        "issue": plan.spec.issue,
        "digest": plan.digest,
        "tables": list(plan.tables),
        **({"thresholded": list(plan.thresholded)} if plan.thresholded else {}),
        "derived": [one.name for one in plan.derived],
        "epoch": epoch_of(plan.spec, world=plan.world, policy=plan.policy),
        "code": {"package": PACKAGE, "version": version(PACKAGE)},
        "ledger": {
            "id": booking.ledger,
            "sequence": booking.head.seq,
            "head": booking.head.hash,
        },
        "zones": {"origin": plan.world.zones.origin, "digest": plan.world.zones.digest},
        "spec": plan.spec.public(),
        **({"outages": outages.outage_facts(plan.world)} if plan.world.outages else {}),
    }


def published_of(plan: Plan, recall: Callable[[PlannedMeasurement], Noisy]) -> Published:
    """Return all that derived tables may see: noisy measurements and public facts.

    Args:
        plan: The plan.
        recall: Gives back a stored measurement of this release.
    """
    own = {(one.table, one.date): one for name in plan.tables for one in plan.of(name)}

    @lru_cache(maxsize=_REMEMBERED)
    def noisy(table: str, date: dt.date) -> Noisy:
        if (table, date) in own:
            return recall(own[(table, date)])
        params = plan.facts.tables[table]
        return plan.earlier.noisy(table, date, world=plan.world, params=params)

    @lru_cache(maxsize=_REMEMBERED)
    def consistent(table: str, date: dt.date) -> Best:
        if (table, date) in own:
            return best_of(plan.at(own[(table, date)]), recall)
        params = plan.facts.tables[table]
        return plan.earlier.best(table, date, world=plan.world, params=params)

    return Published(facts=plan.facts, recall=noisy, consistent=consistent)


def zones_text(zones: ZoneSet) -> str:
    """Return the zones as GeoJSON, one feature a line in published order, coordinates as given."""
    features = []
    rows = zip(zones.ids, zones.names, zones.parents, zones.population, strict=True)
    for (zone, name, parent, population), shape in zip(rows, zones.frame.geometry, strict=True):
        feature = {
            "type": "Feature",
            "properties": {
                "zone": zone,
                "name": name,
                "parent": parent,
                "population": population,
            },
            "geometry": shape.__geo_interface__,
        }
        features.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}\n"


def _write_table(folder: Path, plan: Plan, *, shape: Shape, published: Published) -> None:
    name, schema = shape.measured.name, schema_of(shape.columns)
    stem = folder / "tables" / name
    with (
        ParquetFile(stem.with_suffix(".parquet"), schema) as parquet,
        CsvFile(stem.with_suffix(".csv"), schema) as csv,
    ):
        for one in plan.of(name):
            rows = table_rows(published.best(name, one.day), day=one.day, shape=shape)
            parquet.write(rows)
            csv.write(rows)


def _few(plan: Plan, table: str) -> Shape:
    """Return what the rows of a table look like of which only large cells have one."""
    keys, zone = plan.of(table)[0].keys, plan.world.calendar.time_zone
    columns = threshold_columns(TABLES[table], keys, zone)
    return replace(level_shape(plan, table), columns=columns)


def _write_thresholded(
    folder: Path,
    measurements: tuple[PlannedMeasurement, ...],
    *,
    shape: Shape,
    recall: Callable[[PlannedMeasurement], NoisySparse],
) -> None:
    name = shape.measured.name
    (folder / THRESHOLDED).mkdir(exist_ok=True)
    with ExitStack() as files:
        published, raw = schema_of(shape.columns), schema_of(shape.raw_columns)
        tables = folder / THRESHOLDED
        parquet = files.enter_context(ParquetFile(tables / f"{name}.parquet", published))
        csv = files.enter_context(CsvFile(tables / f"{name}.csv", published))
        layer1 = files.enter_context(ParquetFile(folder / "measurements" / f"{name}.parquet", raw))
        for one in measurements:
            noisy = recall(one)
            rows = threshold_rows(noisy, day=one.day, shape=shape)
            parquet.write(rows)
            csv.write(rows)
            layer1.write(threshold_measurement_rows(noisy, day=one.day, shape=shape))


def _write_measurements(
    folder: Path,
    plan: Plan,
    *,
    shape: Shape,
    recall: Callable[[PlannedMeasurement], Noisy],
) -> None:
    """Write the raw measurements of a table: one file for its cells, one for each level above."""
    name = shape.measured.name
    for level in plan.levels(name):
        own = [one for m in plan.of(name) for one in plan.at(m) if one.level == level]
        seen = level_shape(plan, name, level)
        path = folder / f"{raw_name(name, level)}.parquet"
        with ParquetFile(path, schema_of(seen.raw_columns)) as file:
            for one in own:
                file.write(measurement_rows(recall(one), day=one.day, shape=seen))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
