"""Finished totals: sparse sums in private files, read a table and date at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dp.errors import BoundError
from pipelines.engines.scratch import Scratch


@dataclass(frozen=True, slots=True)
class FileTotals:
    """Bounded totals of a finished job. Private.

    Attributes:
        file: Parquet file, or folder of such, with ``n`` (place in ``tables``), ``d``, ``cell``,
            ``total``; each cell once.
        tables: Table names.
    """

    file: Path = field(repr=False)
    tables: tuple[str, ...]
    _scratch: Scratch = field(repr=False)

    def vector(self, table: str, day: int, size: int) -> NDArray[np.int64]:
        """Return the dense totals of one table and date: int64, shape (size,).

        Raises:
            BoundError: the job had no such table, or its statement gave a cell outside the key set.
        """
        cells, totals = self._held(table, day, size)
        vector = np.zeros(size, dtype=np.int64)
        vector[cells] = totals
        return vector

    def listed(
        self, table: str, day: int, size: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the cells of one table and date that hold anything, ascending, and their totals.

        Raises:
            BoundError: as ``vector``.
        """
        cells, totals = self._held(table, day, size)
        order = np.argsort(cells, kind="stable")
        held = order[totals[order] != 0]
        return cells[held], totals[held]

    def sparse(self, table: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the cells of one table that hold anything: date numbers, cells, totals.

        Raises:
            BoundError: the job had no such table.
        """
        d, cells, totals = self._read(table, ["d", "cell", "total"])
        return d.astype(np.int64), cells, totals

    def _held(self, table: str, day: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        cells, totals = self._read(table, ["cell", "total"], day=day)
        if len(cells) and (cells.min() < 0 or cells.max() >= size):
            raise BoundError(f"{table}: its statement gave a cell outside the key set")
        return cells, totals

    def _read(
        self, table: str, columns: list[str], *, day: int | None = None
    ) -> tuple[NDArray[np.int64], ...]:
        if table not in self.tables:
            raise BoundError(f"{table}: no totals; the job counted {', '.join(self.tables)}")
        wanted = [("n", "=", self.tables.index(table))]
        wanted += [] if day is None else [("d", "=", day)]
        found = pq.read_table(self.file, columns=columns, filters=wanted)
        return tuple(found.column(name).to_numpy() for name in columns)

    def close(self) -> None:
        """Remove the job's folder; a second call does nothing."""
        self._scratch.remove()
