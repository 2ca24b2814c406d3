"""Finished totals: sums in private files, read a table and date at a time.

A cell may stand in several rows, which are added up as they are read, in whole numbers.
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
        files: Parquet files with ``n`` (place in ``tables``), ``d``, ``cell``, ``total``; the rows
            of one cell in all of them add up to its total.
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
        vector = np.zeros(size, dtype=np.int64)
        for cells, totals in self._held(table, day, size):
            np.add.at(vector, cells, totals)
        return vector

    def listed(self, table: str, day: int, size: int) -> tuple[_Ints, _Ints]:
        """Return the cells of one table and date that hold anything, ascending, and their totals.

        Raises:
            BoundError: as ``vector``.
        """
        parts: list[tuple[_Ints, ...]] = []
        merged = 0
        for part in self._held(table, day, size):
            parts.append(part)
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
        d, cells, totals = _added(list(self._read(table, ["d", "cell", "total"])), columns=3)
        return d, cells, totals

    def _held(self, table: str, day: int, size: int) -> Iterator[tuple[_Ints, ...]]:
        for cells, totals in self._read(table, ["cell", "total"], day=day):
            if len(cells) and (cells.min() < 0 or cells.max() >= size):
                raise BoundError(f"{table}: its statement gave a cell outside the key set")
            yield cells, totals

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
