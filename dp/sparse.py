"""Tables whose keys are found in the data: only a threshold mechanism may publish them.

SparseBounded -> NoisySparse, through the same door as Bounded -> Noisy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dp.errors import BoundError

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from dp.bounds import Bounds
    from dp.keys import KeySet
    from dp.law import NoiseLaw
    from dp.loss import Loss


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SparseBounded:
    """The cells that hold anything, of totals in which one person counts for ``bounds``. Private.

    Which cells are listed, and how many, is as private as their totals.

    Attributes:
        table: Name of the table.
        reads: The dates whose records these totals read.
        keys: The public key set that the cells number; never made dense.
        bounds: Sensitivity to one *person*, in lattice units; ``l0`` and ``linf`` count too.
        factor: Lattice units in one released unit.
        cells: int64, shape (listed,), ascending: every cell whose total is not 0, and no other.
        totals: int64, shape (listed,), above 0.

    Raises:
        BoundError: cells out of order, out of range or structural zeros, or a total below 1.
    """

    table: str
    reads: tuple[dt.date, ...]
    keys: KeySet
    bounds: Bounds
    factor: int
    cells: NDArray[np.int64] = field(repr=False)
    totals: NDArray[np.int64] = field(repr=False)

    def __post_init__(self) -> None:
        _check_cells(self.cells, self.totals, keys=self.keys, table=self.table)
        if self.factor < 1:
            raise BoundError(f"{self.table}: factor must be 1 or more, got {self.factor}")
        if np.any(self.totals < 1):
            raise BoundError(f"{self.table}: a cell is listed whose total is not above 0")
        self.cells.setflags(write=False)
        self.totals.setflags(write=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NoisySparse:
    """A differentially private measurement of the cells whose noisy total reached a threshold.

    Every other cell is *not released*, which is not 0: its total may be anything that noise can
    hide below the threshold. A released value carries the noise of ``law``, but was picked for
    being large: given that it was released, it is too high on average where the total is near the
    threshold, so sums over released cells are not unbiased either.

    Attributes:
        table: Name of the table.
        reads: The dates whose records were read.
        keys: The public key set that the cells number.
        law: The noise that was added to each listed cell, before the threshold.
        threshold: In lattice units: what is below it was not released.
        loss: What was charged for it, a delta included.
        cells: int64, shape (released,), ascending. Their number is protected too.
        lattice: int64, shape (released,): totals plus noise in lattice units, each at least
            ``threshold``.
    """

    table: str
    reads: tuple[dt.date, ...]
    keys: KeySet
    law: NoiseLaw
    threshold: int
    loss: Loss
    cells: NDArray[np.int64] = field(repr=False)
    lattice: NDArray[np.int64] = field(repr=False)

    def __post_init__(self) -> None:
        _check_cells(self.cells, self.lattice, keys=self.keys, table=self.table)
        if np.any(self.lattice < self.threshold):
            raise BoundError(f"{self.table}: a value below the threshold must not be released")
        self.cells.setflags(write=False)
        self.lattice.setflags(write=False)

    @property
    def values(self) -> NDArray[np.float64]:
        """Noisy values in released units, shape (released,); each at least ``least``."""
        return self.lattice / float(self.law.factor)

    @property
    def least(self) -> float:
        """The threshold in released units."""
        return self.threshold / self.law.factor


def _check_cells(
    cells: NDArray[np.int64], values: NDArray[np.int64], *, keys: KeySet, table: str
) -> None:
    for vector in (cells, values):
        if vector.dtype != np.int64 or vector.ndim != 1:
            raise BoundError(
                f"{table}: flat int64 vectors are due, got {vector.dtype} of {vector.ndim}"
                " dimensions"
            )
    if cells.size != values.size:
        raise BoundError(f"{table}: every listed cell needs one value")
    if np.any(np.diff(cells) <= 0):
        raise BoundError(f"{table}: cells must ascend, each listed once")
    if cells.size and not (cells[0] >= 0 and cells[-1] < keys.size):
        raise BoundError(f"{table}: a cell lies outside its key set")
    if not keys.measured_at(cells).all():
        raise BoundError(f"{table}: a structural zero holds a total; the keys are wrong")
