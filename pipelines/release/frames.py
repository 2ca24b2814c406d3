"""From stored measurements to published rows: postprocessing, which costs nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dp.postprocess import Levelled, Single
from dp.tables import Noisy
from pipelines.release.columns import (
    BIN,
    CONFIDENCE,
    Column,
    measurement_columns,
    schema_of,
    table_columns,
)
from pipelines.release.status import STATUSES, status_codes, with_outages
from pipelines.schemas.outages import coverage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dp.keys import KeySet
    from dp.postprocess import Best, LevelTree
    from dp.sparse import NoisySparse
    from pipelines.schemas.calendar import Calendar, MobilityDay
    from pipelines.schemas.measured import Measured
    from pipelines.schemas.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the rows of one table look like on every date of a release.

    Attributes:
        measured: The table's declaration.
        columns: Columns of the published table.
        raw_columns: Columns of its raw measurements.
        labels: Category values of each text key, over all dates, in published order.
        calendar: The dates.
        bin_s: Seconds in a time bin.
        max_relative_sd: The spec's limit for the status ``ok``.
        world: The zones and their declared outages; None where no outage is declared.
        zoned: Key columns that hold zones, of a table at several levels; else none.
    """

    measured: Measured
    columns: tuple[Column, ...]
    raw_columns: tuple[Column, ...]
    labels: dict[str, tuple[str, ...]]
    calendar: Calendar
    bin_s: int
    max_relative_sd: float
    world: World | None = None
    zoned: tuple[str, ...] = ()


def shape_of(
    measured: Measured,
    *,
    keys: Sequence[KeySet],
    calendar: Calendar,
    bin_s: int,
    max_relative_sd: float,
    world: World | None = None,
) -> Shape:
    """Return the shape of a table whose dates have these key sets (a clock change adds bins)."""
    labels: dict[str, dict[str, None]] = {}
    for one in keys:
        for key in one.keys:
            if isinstance(key.values[0], str):
                labels.setdefault(key.name, {}).update(dict.fromkeys(map(str, key.values)))
    return Shape(
        measured=measured,
        columns=table_columns(measured, keys[0], calendar.time_zone),
        raw_columns=measurement_columns(measured, keys[0], calendar.time_zone),
        labels={name: tuple(values) for name, values in labels.items()},
        calendar=calendar,
        bin_s=bin_s,
        max_relative_sd=max_relative_sd,
        world=world if world is not None and world.outages else None,
    )


def table_rows(noisy: Noisy | Best, *, day: MobilityDay, shape: Shape) -> pa.Table:
    """Return the published rows of one date in key order, one for every key.

    Args:
        noisy: A measurement, or the best figures from the measurements of all levels.
        day: The date.
        shape: How the table's rows look.
    """
    best = Single(noisy) if isinstance(noisy, Noisy) else noisy
    values, sd, measured = best.values, best.sd, best.keys.measured
    lo, hi = best.interval(CONFIDENCE)
    codes = status_codes(values, sd=sd, measured=measured, max_relative_sd=shape.max_relative_sd)
    if shape.world is not None:
        codes = with_outages(codes, _covered(best.keys, day=day, shape=shape, world=shape.world))
    arrays = [
        *_key_arrays(best.keys, day=day, shape=shape),
        pa.array(values),
        pa.array(sd),
        pa.array(lo),
        pa.array(hi),
        pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(STATUSES))),
    ]
    if isinstance(best, Levelled):
        arrays.append(pa.array(_nodes(best.levels, shape.zoned)))
    return pa.Table.from_arrays(arrays, schema=schema_of(shape.columns))


def _nodes(levels: LevelTree, zoned: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the node above each cell within its slice, as files of levels number them."""
    lift, found = levels.lifts[0], np.zeros(levels.keys.size, dtype=np.int64)
    for fine, coarse, moved in zip(lift.keys.keys, lift.coarse.keys, lift.moved, strict=True):
        if fine.name in zoned:
            codes = levels.keys.codes(fine.name)
            at = codes if moved is None else np.array(moved, dtype=np.int64)[codes]
            found = found * len(coarse) + at
    return found


def threshold_rows(noisy: NoisySparse, *, day: MobilityDay, shape: Shape) -> pa.Table:
    """Return the published rows of one date of a threshold table: released cells, in key order."""
    values, cells = noisy.values, noisy.cells
    sd, half = np.full(cells.size, noisy.law.sd), noisy.law.half_width(CONFIDENCE)
    measured = np.ones(cells.size, dtype=np.bool_)
    codes = status_codes(values, sd=sd, measured=measured, max_relative_sd=shape.max_relative_sd)
    if shape.world is not None:
        covered = coverage(
            noisy.keys, world=shape.world, day=day, bin_s=shape.bin_s, cells=noisy.cells
        )
        codes = with_outages(codes, covered)
    arrays = [
        *_key_arrays(noisy.keys, day=day, shape=shape, cells=cells),
        pa.array(values),
        pa.array(sd),
        pa.array(values - half),
        pa.array(values + half),
        pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(STATUSES))),
        pa.array(np.full(cells.size, noisy.least)),
    ]
    return pa.Table.from_arrays(arrays, schema=schema_of(shape.columns))


def _covered(keys: KeySet, *, day: MobilityDay, shape: Shape, world: World) -> NDArray[np.int8]:
    if shape.measured.spans:  # dark all the time only where it is dark on all dates
        day = replace(day, start_s=shape.calendar.dates[0].start_s)
    return coverage(keys, world=world, day=day, bin_s=shape.bin_s)


def measurement_rows(noisy: Noisy, *, day: MobilityDay, shape: Shape) -> pa.Table:
    """Return layer 1 of one date: raw lattice integers with the law of their noise."""
    measured = noisy.keys.measured
    kinds = pa.array([noisy.law.kind, "none"])
    arrays = [
        *_key_arrays(noisy.keys, day=day, shape=shape),
        pa.array(noisy.lattice),
        pa.array(np.full(noisy.keys.size, noisy.law.factor, dtype=np.int64)),
        pa.DictionaryArray.from_arrays(pa.array((~measured).astype(np.int32)), kinds),
        pa.array(np.where(measured, noisy.law.scale, 0.0)),
    ]
    return pa.Table.from_arrays(arrays, schema=schema_of(shape.raw_columns))


def threshold_measurement_rows(noisy: NoisySparse, *, day: MobilityDay, shape: Shape) -> pa.Table:
    """Return layer 1 of one date of a threshold table: released lattice integers and their law."""
    size = noisy.cells.size
    arrays = [
        *_key_arrays(noisy.keys, day=day, shape=shape, cells=noisy.cells),
        pa.array(noisy.lattice),
        pa.array(np.full(size, noisy.law.factor, dtype=np.int64)),
        pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(size, dtype=np.int32)), pa.array([noisy.law.kind, "none"])
        ),
        pa.array(np.full(size, noisy.law.scale)),
    ]
    return pa.Table.from_arrays(arrays, schema=schema_of(shape.raw_columns))


def _key_arrays(
    keys: KeySet, *, day: MobilityDay, shape: Shape, cells: NDArray[np.int64] | None = None
) -> list[pa.Array]:
    size = keys.size if cells is None else cells.size
    ends = (shape.calendar.dates[0], day) if shape.measured.spans else (day,)
    arrays: list[pa.Array] = [pa.array(np.full(size, np.datetime64(end.date, "D"))) for end in ends]
    for key in keys.keys:
        codes = keys.codes(key.name) if cells is None else keys.codes_at(key.name, cells)
        if key.name in shape.labels:
            at = {label: i for i, label in enumerate(shape.labels[key.name])}
            places = np.array([at[str(value)] for value in key.values], dtype=np.int32)
            arrays.append(
                pa.DictionaryArray.from_arrays(
                    pa.array(places[codes]), pa.array(shape.labels[key.name], pa.string())
                )
            )
        else:
            arrays.append(pa.array(np.array(key.values, dtype=np.int64)[codes]))
        if key.name == BIN:
            starts_s = day.start_s + shape.bin_s * np.array(key.values, dtype=np.int64)
            zone = pa.timestamp("ms", tz=shape.calendar.time_zone)
            arrays.append(pa.array((starts_s * 1000)[codes]).cast(zone))
    return arrays
