"""Zones from a file of polygons."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd

from pipelines.schemas.zones import ZoneSet
from pipelines.zones import attributes
from pipelines.zones.arrangement import arrange, dissolved, refuse_covered, remarks
from pipelines.zones.coordinates import to_degrees
from pipelines.zones.draft import Draft, renumbered
from pipelines.zones.edges import borders, edges_of
from pipelines.zones.polygon_lookup import polygon_lookup
from pipelines.zones.read import read_features
from pipelines.zones.sensitive import merge_targets, nearest_in, read_sensitive, remark
from pipelines.zones.shapes import usable


def load_zones(
    file: Path,
    *,
    id: str,  # noqa: A002 the word of the spec
    name: str | None = None,
    parent: str | None = None,
    population: str | None = None,
    sensitive: Path | None = None,
) -> ZoneSet:
    """Return the zones of a public file of polygons, sorted by id.

    Shapes are snapped to 1e-7 degree (about a centimetre). Where zones overlap, the first id in
    published order holds the place. What is published is what the lookup uses.

    Args:
        file: GeoJSON, GeoPackage, Shapefile or GeoParquet, in any stated CRS.
        id: Column of zone ids; numbers become text.
        name: Column of display names.
        parent: Column of ids of a coarser level.
        population: Column of declared residents.
        sensitive: CSV with a column ``zone``: zones to merge into a neighbour.

    Raises:
        ZoneError: the file, a column, an id or a shape cannot be used; the message names it.
    """
    where = str(file)
    frame, converted = read_features(file)
    columns = {"name": name, "parent": parent, "population": population}
    draft, repaired = _draft(frame, id, columns, where=where)
    whole = arrange(draft.shapes)
    refuse_covered(whole, draft.ids, where=where)
    listed = read_sensitive(sensitive, draft.ids) if sensitive else ()
    edges = edges_of(whole)
    target = merge_targets(len(draft.ids), listed, borders(edges, listed), nearest_in(draft.shapes))
    number = renumbered(target)
    merged = whole.renumbered(number)
    units = dissolved(merged)
    lookup = polygon_lookup(edges.renumbered(number), units)
    draft = draft.merged(target, to_degrees(units))
    notes = (*converted, *repaired, *remarks(merged, draft.ids), *remark(len(listed)))
    return draft.published(lookup, origin=file.name, notes=notes)


def _draft(
    frame: gpd.GeoDataFrame, column: str, others: Mapping[str, str | None], *, where: str
) -> tuple[Draft, tuple[str, ...]]:
    ids = attributes.ids(frame, column, where=where)
    labels = {
        role: attributes.labels(frame, others[role], role=role, where=where)
        for role in ("name", "parent")
    }
    residents = attributes.population(frame, others["population"], zones=ids, where=where)
    named = [f"zone {zone!r}" for zone in ids]
    shapes, repaired = usable(frame.geometry.to_numpy(), named, where=where)
    draft = Draft(
        ids=tuple(ids),
        names=tuple(labels["name"]),
        parents=tuple(labels["parent"]),
        population=tuple(residents),
        shapes=shapes,
    )
    return draft.sorted(), repaired
