"""Finished totals: sums in private files, read a table and date at a time.

A row's total counts in a stretch of cells: ``times`` of them, ``step`` apart. A cell may stand in
several rows, which are added up as they are read, in whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
from numpy.typing import NDArray

from dp.errors import BoundError
from pipelines.engines.scratch import Scratch

_Ints = NDArray[np.int64]
_MERGE_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class FileTotals:
    """Bounded totals of a finished job. Private.

    Attributes:
        files: Parquet files with ``n`` (place in ``tables``), ``d``, ``cell``, ``total``, ``times``
            and ``step``; the rows of one cell in all of them add up to its total. All rows of a
            table have one step: 0 where each is one cell.
        tables: Table names.
    """

    files: tuple[Path, ...] = field(repr=False)
    tables: tuple[str, ...]
    _scratch: Scratch = field(repr=False)

    def vector(self, table: str, day: int, size: int) -> _Ints:
        """Return the dense totals of one table and date: int64, shape (size,).

        Raises:
            BoundError: the job had no such table, or its statement gave a cell outside the key set.
        """
        vector, step = np.zeros(size, dtype=np.int64), 0
        for cells, totals, times, steps in self._held(table, day, size):
            if steps[0] and not step:
                step = int(steps[0])
                vector = np.zeros(size + step, dtype=np.int64)
            np.add.at(vector, cells, totals)
            if step:  # as changes from one cell to the next of a stretch
                np.subtract.at(vector, cells + times * step, totals)
        if step:
            changes = vector.reshape(-1, step)
            np.cumsum(changes, axis=0, out=changes)
        return vector[:size]

    def listed(self, table: str, day: int, size: int) -> tuple[_Ints, _Ints]:
        """Return the cells of one table and date that hold anything, ascending, and their totals.

        Raises:
            BoundError: as ``vector``.
        """
        parts: list[tuple[_Ints, ...]] = []
        merged = 0
        for part in self._held(table, day, size):
            parts.append(_each(*part))
            if sum(len(cells) for cells, _ in parts) > 2 * merged + _MERGE_ROWS:
                parts = [_added(parts)]
                merged = len(parts[0][0])
        cells, totals = _added(parts)
        held = totals != 0
        return cells[held], totals[held]

    def sparse(self, table: str) -> tuple[_Ints, _Ints, _Ints]:
        """Return the cells of one table that hold anything: date numbers, cells, totals.

        Raises:
            BoundError: the job had no such table.
        """
        parts: list[tuple[_Ints, ...]] = []
        for part in self._read(table, ["cell", "total", "times", "step", "d"]):
            each, held, date = _each(*part)
            parts.append((date, each, held))
        d, cells, totals = _added(parts, columns=3)
        return d, cells, totals

    def _held(self, table: str, day: int, size: int) -> Iterator[tuple[_Ints, ...]]:
        step = None
        columns = ["cell", "total", "times", "step"]
        for cells, totals, times, steps in self._read(table, columns, day=day):
            if not len(cells):
                continue
            step = int(steps[0]) if step is None else step
            if np.any(steps != step) or step < 0 or (step and size % step) or times.min() < 1:
                raise BoundError(f"{table}: its statement gave a step that does not fit its keys")
            if cells.min() < 0 or (cells + (times - 1) * step).max() >= size:
                raise BoundError(f"{table}: its statement gave a cell outside the key set")
            yield cells, totals, times, steps

    def _read(
        self, table: str, columns: list[str], *, day: int | None = None
    ) -> Iterator[tuple[_Ints, ...]]:
        if table not in self.tables:
            raise BoundError(f"{table}: no totals; the job counted {', '.join(self.tables)}")
        wanted = ds.field("n") == self.tables.index(table)
        if day is not None:
            wanted &= ds.field("d") == day
        if not self.files:
            return
        rows = ds.dataset([str(file) for file in self.files], format="parquet")
        for batch in rows.to_batches(columns=columns, filter=wanted):
            yield tuple(
                batch.column(name).to_numpy().astype(np.int64, copy=False) for name in columns
            )

    def close(self) -> None:
        """Remove the job's folder; a second call does nothing."""
        self._scratch.remove()


def _each(
    cells: _Ints, totals: _Ints, times: _Ints, steps: _Ints, *more: _Ints
) -> tuple[_Ints, ...]:
    """Return a row for each cell of each stretch: cells, totals and what else a row holds."""
    at = np.repeat(np.arange(len(cells)), times)
    nth = np.arange(len(at)) - np.repeat(np.cumsum(times) - times, times)
    return (cells[at] + nth * steps[at], totals[at], *(column[at] for column in more))


def _added(parts: list[tuple[_Ints, ...]], *, columns: int = 2) -> tuple[_Ints, ...]:
    """Return rows of keys and a total, sorted by their keys, those of equal keys added up."""
    empty = np.zeros(0, dtype=np.int64)
    *keys, totals = (np.concatenate([empty, *(p[i] for p in parts)]) for i in range(columns))
    order = np.lexsort(keys[::-1])
    keys, totals = [key[order] for key in keys], totals[order]
    new = np.ones(len(totals), dtype=bool)
    new[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    first = np.flatnonzero(new)
    sums = np.add.reduceat(totals, first) if len(first) else empty
    return (*(key[first] for key in keys), sums)
