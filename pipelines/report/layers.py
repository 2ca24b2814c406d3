"""What the map can show: a value for every zone, date and time of day, with its interval."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.release.level_sums import NODE
from pipelines.release.status import PARTIAL
from pipelines.report.folded import (
    LOW_PRECISION,
    NO_VALUE,
    OK,
    STRUCTURAL_ZERO,
    Z95,
    Folded,
    bin_spans,
    columns_of,
    fold,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BINNED = ("date", "bin", "zone")
WHOLE = ""
"""Label of the slot that stands for the whole date."""
_SOURCES = (
    ("presence", "zone", "People present", "people"),
    ("visits", "zone", "People who stayed", "people"),
    ("panel", "overnight", "People by overnight zone", "people"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of the map; arrays have one entry a zone.

    Attributes:
        value, sd, half: Estimate, standard deviation, half-width of the 95% interval.
        status: ``OK``, ``LOW_PRECISION``, ``STRUCTURAL_ZERO`` or ``NO_VALUE``; as published
            where the frame shows published rows.
        city: Variance of the sum over all zones; None where their noise is independent.
    """

    value: Floats
    sd: Floats
    half: Floats
    status: Ints
    city: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A table as pictures.

    Attributes:
        table: Name of the table.
        title: What the map shows.
        counts: What a value counts.
        dates: The dates.
        slots: Labels of the time of day; the first is ``WHOLE``, the mean of the others.
        frames: By date and slot, None where a date has no such slot. The last "date" is the mean
            of all dates.
    """

    table: str
    title: str
    counts: str
    dates: tuple[dt.date, ...]
    slots: tuple[str, ...]
    frames: tuple[tuple[Frame | None, ...], ...]


def read_layers(
    folder: Path, *, tables: Sequence[str], zones: Sequence[str], limit: float
) -> tuple[Layer, ...]:
    """Return the layers of a release folder, in a fixed order.

    Args:
        folder: The release folder.
        tables: Names of its tables.
        zones: Zone ids in published order.
        limit: The release's largest ratio of sd to value for the status ``ok``.
    """
    found = []
    for table, column, title, counts in _SOURCES:
        path = folder / "tables" / f"{table}.parquet"
        if table in tables and column in columns_of(path):
            found.append(
                _layer(path, column=column, title=(title, counts), zones=zones, limit=limit)
            )
    return tuple(found)


def _layer(
    path: Path, *, column: str, title: tuple[str, str], zones: Sequence[str], limit: float
) -> Layer:
    columns = columns_of(path)
    binned = "bin" in columns
    folded = fold(path, ("date", "bin", column) if binned else ("date", column))
    dates = tuple(folded.labels[0])
    names: list[list[str | None]]
    at = {zone: i for i, zone in enumerate(folded.labels[-1])}
    order = np.array([at[zone] for zone in zones], dtype=np.int64)
    names = _slot_names(path, folded) if binned else [[WHOLE] for _ in dates]
    slots = _slots(names)
    shared = _city(path, folded, order) if NODE in columns else None
    grid: list[dict[str, Frame]] = [
        {
            name: replace(
                _published(folded, at, order, limit),
                city=None if shared is None else float(shared[at]),
            )
            for k, name in enumerate(row)
            for at in [(i, k) if binned else (i,)]
            if name is not None
        }
        for i, row in enumerate(names)
    ]
    for row in grid:
        row.setdefault(WHOLE, mean_of(list(row.values()), limit=limit))
    grid.append(_mean_row(grid, slots, limit))
    frames = tuple(tuple(row.get(slot) for slot in slots) for row in grid)
    return Layer(path.stem, *title, dates, slots, frames)


def _city(path: Path, folded: Folded, order: Ints) -> Floats:
    """Return the variance of the sum over all zones, by date (and bin).

    What stands beside the zones (unknown) shares no noise with them.
    """
    whole = fold(path, ("date", "bin") if folded.var.ndim == len(_BINNED) else ("date",)).var
    beside = np.setdiff1d(np.arange(folded.var.shape[-1]), order)
    return np.asarray(whole - folded.var[..., beside].sum(axis=-1))


def _mean_row(grid: list[dict[str, Frame]], slots: Sequence[str], limit: float) -> dict[str, Frame]:
    """Return the mean of all dates for each slot, over the dates that have it."""
    return {
        slot: mean_of([row[slot] for row in grid if slot in row], limit=limit) for slot in slots
    }


def mean_of(frames: Sequence[Frame], *, limit: float) -> Frame:
    """Return the mean of independent frames, zone by zone over those that have a value."""
    if len(frames) == 1:
        return frames[0]
    values = np.array([frame.value for frame in frames])
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=0), 1)
    variances = np.where(known, np.array([frame.sd for frame in frames]) ** 2, 0.0)
    value = np.where(known, values, 0.0).sum(axis=0) / count
    value = np.where(known.any(axis=0), value, np.nan)
    sd = np.sqrt(variances.sum(axis=0)) / count
    shared = [frame.city for frame in frames if frame.city is not None]
    city = sum(shared) / len(frames) ** 2 if shared else None
    return Frame(value, sd, Z95 * sd, rule(value, sd, limit=limit), city)


def rule(value: Floats, sd: Floats, *, limit: float) -> Ints:
    """Return the release's precision rule applied to derived values."""
    codes = np.where(sd > limit * value, LOW_PRECISION, OK)
    codes = np.where((sd == 0) & (value == 0), STRUCTURAL_ZERO, codes)
    return np.where(np.isfinite(value), codes, NO_VALUE).astype(np.int64)


def _published(folded: Folded, at: tuple[int, ...], order: Ints, limit: float) -> Frame:
    value, sd = folded.value[at][order], folded.sd[at][order]
    status = folded.status[at][order]
    summed = (status < 0) | (status == PARTIAL)  # the page shows how precise a partial value is
    status = np.where(summed, rule(value, sd, limit=limit), status)
    status = np.where(np.isfinite(value), status, NO_VALUE)
    return Frame(value, sd, folded.half[at][order], status)


def _slot_names(path: Path, folded: Folded) -> list[list[str | None]]:
    """Return "08:00-09:00" for each date and bin; a repeated hour says its offset instead."""
    spans = bin_spans(path)
    dates, bins = folded.labels[0], folded.labels[1]
    return [_date_names([spans.get((date, number)) for number in bins]) for date in dates]


def _date_names(spans: Sequence[tuple[dt.datetime, dt.datetime] | None]) -> list[str | None]:
    starts = [span and f"{span[0]:%H:%M}" for span in spans]
    names: list[str | None] = []
    for start, span in zip(starts, spans, strict=True):
        if span is None:
            names.append(None)
        elif starts.count(start) > 1:
            names.append(f"{start} ({span[0].isoformat()[-6:]})")
        else:
            names.append(f"{start}\N{EN DASH}{span[1]:%H:%M}")
    return names


def _slots(names: Sequence[Sequence[str | None]]) -> tuple[str, ...]:
    """Return every slot in the order of a date: a clock change only moves later ones further."""
    place: dict[str, int] = {}
    for row in names:
        for k, name in enumerate(row):
            if name:
                place[name] = max(k, place.get(name, 0))
    return (WHOLE, *sorted(place, key=lambda name: place[name]))
