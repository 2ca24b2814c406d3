"""All cells of a plan in one row: which columns belong to which measurement."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dp.lifts import Lift
    from dp.mechanisms import Mechanism
    from pipelines.release.model import PlannedMeasurement

    Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """Columns of a plan's measurements, one after the other, structural zeros included.

    Attributes:
        measurements: In the plan's order: by date, then by table and level.
        mechanisms: What draws the noise of each; the plan's own, but for negative controls.
    """

    measurements: tuple[PlannedMeasurement, ...]
    mechanisms: tuple[Mechanism, ...]

    @cached_property
    def starts(self) -> Ints:
        """First column of each measurement, and the number of all columns at the end."""
        return np.concatenate([[0], np.cumsum([one.keys.size for one in self.measurements])])

    @property
    def size(self) -> int:
        """Number of columns."""
        return int(self.starts[-1])

    @cached_property
    def scale(self) -> NDArray[np.float64]:
        """Scale of each column's noise in lattice units; infinite at structural zeros."""
        return np.concatenate(
            [
                np.where(one.keys.measured, mechanism.law.scale, np.inf)
                for one, mechanism in zip(self.measurements, self.mechanisms, strict=True)
            ]
        )

    @cached_property
    def sd(self) -> NDArray[np.float64]:
        """Standard deviation of each column's noise in lattice units; infinite at zeros."""
        return np.concatenate(
            [
                np.where(one.keys.measured, mechanism.law.sd * mechanism.law.factor, np.inf)
                for one, mechanism in zip(self.measurements, self.mechanisms, strict=True)
            ]
        )

    @cached_property
    def factor(self) -> Ints:
        """Lattice units in one released unit, by column."""
        sizes = [one.keys.size for one in self.measurements]
        return np.repeat([m.law.factor for m in self.mechanisms], sizes).astype(np.int64)

    def columns(self, *, dates: range | None = None, table: str | None = None) -> Ints:
        """Return the columns of some dates (by number); all when left out.

        With a table its own cells alone, none of the levels above them.
        """
        parts = [
            np.arange(self.starts[i], self.starts[i + 1])
            for i, one in enumerate(self.measurements)
            if (dates is None or one.day.index in dates)
            and (table is None or (table == one.table and one.lift is None))
        ]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def start(self, table: str, date: int) -> int:
        """Return the first column of one table's own cells on one date (by number)."""
        for start, lift in self.levels(table, date):
            if lift is None:
                return start
        raise KeyError(f"{table} is not measured on date {date}")

    def levels(self, table: str, date: int) -> list[tuple[int, Lift | None]]:
        """Return first column and map of each level of one table on one date (by number)."""
        return [
            (int(self.starts[i]), one.lift)
            for i, one in enumerate(self.measurements)
            if (one.table, one.day.index) == (table, date)
        ]

    def owner(self, columns: Ints) -> Ints:
        """Return the number of the measurement that each column belongs to."""
        return np.searchsorted(self.starts, columns, side="right") - 1
