"""Sensitive zones merge into a neighbour before anything is counted."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import shapely

from pipelines.errors import ZoneError
from pipelines.zones.attributes import listed
from pipelines.zones.coordinates import Floats, Ints, Shapes

COLUMN = "zone"
_EARTH_MM = 6_371_008_800.0

Borders = Mapping[int, Mapping[int, int]]
"""Per sensitive zone, the length in millimetres of its border with each neighbour."""


def read_sensitive(path: Path, ids: Sequence[str]) -> tuple[int, ...]:
    """Return the positions of the zones that a public CSV with the column ``zone`` lists.

    Raises:
        ZoneError: the file is missing or has no such column, an id is unknown, or no zone is left.
    """
    listing = _listing(path)
    position = {zone: at for at, zone in enumerate(ids)}
    unknown = sorted({zone for zone in listing if zone not in position})
    if unknown:
        raise ZoneError(f"{path}: no such zone as {listed(unknown)}. List ids of the zone file.")
    positions = tuple(sorted({position[zone] for zone in listing}))
    if len(positions) == len(ids):
        raise ZoneError(f"{path}: lists every zone. At least one must remain to merge into.")
    return positions


def merge_targets(
    size: int, sensitive: Sequence[int], borders: Borders, nearest: Callable[[int, Ints], int]
) -> Ints:
    """Return, per zone, the zone it is merged into: itself unless it is sensitive.

    A sensitive zone joins the neighbour with the longest shared border, the first in published
    order where two are equal. One that has only sensitive neighbours waits until they have joined
    and then meets their border as part of the zone they joined. One that no chain of neighbours
    connects to a zone that stays joins the nearest zone that stays.

    Args:
        size: How many zones there are.
        sensitive: Positions of the sensitive zones.
        borders: Shared borders of each of them.
        nearest: Returns which of the zones in its second argument is nearest to a zone.
    """
    target = np.arange(size, dtype=np.int64)
    waiting = set(sensitive)
    staying = np.setdiff1d(target, np.asarray(sorted(waiting), dtype=np.int64))
    while waiting:
        joined = {zone: _longest(borders.get(zone, {}), target, waiting) for zone in waiting}
        ready = {zone: into for zone, into in joined.items() if into is not None}
        if not ready:
            ready = {zone: nearest(zone, staying) for zone in waiting}
        for zone, into in ready.items():
            target[zone] = into
        waiting -= set(ready)
    return target


def nearest_in(shapes: Shapes) -> Callable[[int, Ints], int]:
    """Return a function that finds the nearest of some zones on a plane around the asking zone."""

    def nearest(zone: int, among: Ints) -> int:
        _, latitude = shapely.get_coordinates(shapely.centroid(shapes[zone]))[0]
        scale = np.radians(1.0) * _EARTH_MM * np.array([np.cos(np.radians(latitude)), 1.0])

        def flat(degrees: Floats) -> Floats:
            return np.asarray(degrees * scale, dtype=np.float64)

        here = shapely.transform(shapes[zone], flat)
        away = shapely.distance(here, shapely.transform(shapes[among], flat))
        return int(among[np.argmin(np.rint(away))])  # argmin takes the first of equals

    return nearest


def merged_shapes(shapes: Shapes, target: Ints) -> Shapes:
    """Return, per zone that stays, the union of its shape and of those merged into it."""
    own = np.arange(len(target))
    merged = shapes.copy()
    for into in np.unique(target[target != own]):
        merged[into] = shapely.union_all(shapes[target == into])
    return np.asarray(merged[target == own], dtype=object)


def remark(merged: int) -> tuple[str, ...]:
    """Return the note on merging: the rule and how many, never which."""
    if not merged:
        return ()
    zones = "1 zone was" if merged == 1 else f"{merged} zones were"
    note = (
        f"{zones} merged by the public list of sensitive zones, each into the neighbour with the "
        "longest shared border; the merged zone keeps the neighbour's id and name."
    )
    return (note,)


def _longest(borders: Mapping[int, int], target: Ints, waiting: set[int]) -> int | None:
    total: dict[int, int] = {}
    for other, length_mm in borders.items():
        if other not in waiting:
            into = int(target[other])
            total[into] = total.get(into, 0) + length_mm
    return min(total, key=lambda zone: (-total[zone], zone), default=None)


def _listing(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if rows.fieldnames is None or COLUMN not in rows.fieldnames:
                raise ZoneError(f"{path}: no column {COLUMN!r}. Write a header line with it.")
            return [row[COLUMN] for row in rows if row[COLUMN]]
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise ZoneError(f"{path}: cannot be read as a CSV of zone ids in UTF-8.") from fault
