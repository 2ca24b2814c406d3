"""Sums of published rows: variances add, or follow from the levels that rows share noise by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.release.derived_rows import DERIVED_STATUSES
from pipelines.release.level_sums import LEVEL_FOLDER, NODE, Levels, read_levels, variances

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Z95 = 1.959964
"""Half-width of a 95% interval in standard deviations, for sums of many noises."""
OK, LOW_PRECISION, STRUCTURAL_ZERO, NO_VALUE = range(4)
_BLANKS = ("no_data", "not_released")
_FIGURES = frozenset({"value", "sd", "lo95", "hi95", "status", "bin_start", NODE})
_BATCH_ROWS = 1 << 19
_CODES = {status: code for code, status in enumerate(DERIVED_STATUSES)}


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """Sums over all rows of a table that agree in some key columns.

    Arrays have one axis for each of those columns.

    Attributes:
        labels: The values along each axis, in published order.
        value: Sum of the rows' values; NaN where a row to be added has no value or none exists.
        var: Variance of the noise in it.
        half: Half-width of a 95% interval: as published for one row, normal for a sum.
        status: Published status of a single row as a position in ``DERIVED_STATUSES``, which begins
            as ``STATUSES``; -1 for a sum.
        rows: How many rows there are; 0 where the table has no such cell.
    """

    labels: tuple[tuple[Any, ...], ...]
    value: Floats
    var: Floats
    half: Floats
    status: Ints
    rows: Ints

    @property
    def sd(self) -> Floats:
        """Standard deviation of the noise."""
        return np.sqrt(self.var)


def fold(path: Path, by: Sequence[str]) -> Folded:
    """Add up a published Parquet table over every key column not in ``by``.

    Args:
        path: A file of ``tables/``.
        by: Key columns to keep, one axis each.
    """
    places = [{label: i for i, label in enumerate(_labels(path, name))} for name in by]
    shape = tuple(len(place) for place in places)
    size = int(np.prod(shape))
    sums = {name: np.zeros(size) for name in ("value", "var", "half", "status", "rows", "blank")}
    for batch in _batches(path, [*by, "value", "sd", "hi95", "status"]):
        cell = np.zeros(batch.num_rows, dtype=np.int64)
        for name, place in zip(by, places, strict=True):
            cell = cell * len(place) + _codes(batch[name], place)
        status = _codes(batch["status"], _CODES)
        value, sd, hi = (
            batch[name].to_numpy(zero_copy_only=False) for name in ("value", "sd", "hi95")
        )
        blank = np.isin(status, [_CODES[name] for name in _BLANKS]) | ~np.isfinite(value)
        parts = {"value": value, "var": sd**2, "half": hi - value}
        for name, part in parts.items():
            sums[name] += np.bincount(cell, np.where(blank, 0.0, part), minlength=size)
        for name, part in {"status": status, "rows": np.ones(len(cell)), "blank": blank}.items():
            sums[name] += np.bincount(cell, part, minlength=size)
    if NODE in columns_of(path):
        sums["var"] = _shared(path, by, places)
    single = sums["rows"] == 1
    known = (sums["rows"] > 0) & (sums["blank"] == 0)
    return Folded(
        tuple(tuple(place) for place in places),
        np.where(known, sums["value"], np.nan).reshape(shape),
        sums["var"].reshape(shape),
        np.where(single, sums["half"], Z95 * np.sqrt(sums["var"])).reshape(shape),
        np.where(single, sums["status"], -1).astype(np.int64).reshape(shape),
        sums["rows"].astype(np.int64).reshape(shape),
    )


def _shared(path: Path, by: Sequence[str], places: Sequence[dict[Any, int]]) -> Floats:
    """Return the variance of each sum of rows of a table at several levels."""
    levels = Levels.of(read_levels(path.parent.parent / LEVEL_FOLDER / f"{path.stem}.csv"))
    others = [c for c in columns_of(path) if c not in _FIGURES and c not in levels.zoned]
    labels = [{label: i for i, label in enumerate(_labels(path, name))} for name in others]
    found: dict[str, list[Any]] = {"group": [], "apart": [], "node": [], "sd": []}
    for batch in _batches(path, list(dict.fromkeys([*by, *others, "date", NODE, "sd"]))):
        for name, columns, known in (("group", by, places), ("apart", others, labels)):
            code = np.zeros(batch.num_rows, dtype=np.int64)
            for column, place in zip(columns, known, strict=True):
                code = code * len(place) + _codes(batch[column], place)
            found[name].append(code)
        dates = batch["date"].to_numpy(zero_copy_only=False)
        nodes = batch[NODE].to_numpy(zero_copy_only=False)
        found["node"].append(levels.positions(dates, nodes))
        found["sd"].append(batch["sd"].to_numpy(zero_copy_only=False))
    whole = {name: np.concatenate(parts) for name, parts in found.items()}
    return variances(levels, **whole, size=int(np.prod([len(place) for place in places])))


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the names of a Parquet file's columns."""
    return tuple(pq.read_schema(path).names)


def bin_spans(path: Path) -> dict[tuple[dt.date, int], tuple[dt.datetime, dt.datetime]]:
    """Return when each time bin of each date starts and ends, in the series' time zone."""
    starts_s: dict[tuple[dt.date, int], int] = {}
    zone = ZoneInfo(pq.read_schema(path).field("bin_start").type.tz)
    for batch in _batches(path, ["date", "bin", "bin_start"]):
        rows = pa.table(batch).group_by(["date", "bin"]).aggregate([("bin_start", "min")])
        instants = rows["bin_start_min"].cast(pa.timestamp("s")).cast(pa.int64())
        keys = zip(rows["date"].to_pylist(), rows["bin"].to_pylist(), strict=True)
        starts_s.update(zip(keys, instants.to_pylist(), strict=True))
    ordered = sorted(starts_s.values())
    length_s = min((b - a for a, b in pairwise(ordered)), default=3_600)
    return {
        key: (_local(start_s, zone), _local(start_s + length_s, zone))
        for key, start_s in starts_s.items()
    }


def _local(instant_s: int, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.fromtimestamp(instant_s, zone)


def _labels(path: Path, name: str) -> list[Any]:
    seen: dict[Any, None] = {}
    for batch in _batches(path, [name]):
        seen.update(dict.fromkeys(_encoded(batch[name]).dictionary.to_pylist()))
    return list(seen)


def _codes(column: pa.Array, place: dict[Any, int]) -> Ints:
    encoded = _encoded(column)
    at = np.array([place[label] for label in encoded.dictionary.to_pylist()], dtype=np.int64)
    codes: Ints = at[encoded.indices.to_numpy(zero_copy_only=False)]
    return codes


def _encoded(column: pa.Array) -> pa.DictionaryArray:
    return column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()


def _batches(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=_BATCH_ROWS, columns=columns)
