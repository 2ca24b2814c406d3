"""The three states of a table. Passing one where another is due does not type-check.

Sensitive -> Bounded -> Noisy. Only ``dp.measure`` turns a Bounded into a Noisy.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitive:
    """Contributions of persons, as a statement that an engine can run. Private.

    Attributes:
        table: Name of the table.
        statement: SQL (DuckDB's dialect) giving rows ``(d INTEGER, person, cell BIGINT,
            v BIGINT)``: what a person adds on date number ``d``, one row per (d, person, cell),
            v > 0. ``person`` is a function of that person's own id alone, never a number given
            out in the order of the data. With ``aggregated`` the rows are ``(d, cell, v)`` and
            persons are already summed. With ``once`` a (d, person, cell) may come in many rows.
            With ``stretched`` there are two columns more, ``times INTEGER`` and ``step BIGINT``: a
            row stands for ``times`` rows, of v in each of cell, cell + step, cell + 2 step ...
        aggregated: Whether persons are already summed: allowed only where the construction itself
            bounds a person's contribution (rule ``Inherent``).
        once: Whether a person counts once in a cell however many rows say so, each with v = 1:
            the rule then makes the rows distinct, and need not be promised that they are.
        stretched: Whether rows stand for several cells at equal steps; only with ``aggregated``.
    """

    table: str
    statement: str = field(repr=False)
    aggregated: bool = False
    once: bool = False
    stretched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bounded:
    """Totals over a public key set in which one person counts for at most ``bounds``. Private.

    Attributes:
        table: Name of the table.
        reads: The dates whose records these totals read.
        keys: The public key set; ``totals`` has one entry per cell.
        bounds: Sensitivity of ``totals`` to one *person*, in lattice units.
        factor: Lattice units in one released unit.
        totals: int64, shape (keys.size,), read-only.
    """

    table: str
    reads: tuple[dt.date, ...]
    keys: KeySet
    bounds: Bounds
    factor: int
    totals: NDArray[np.int64] = field(repr=False)

    def __post_init__(self) -> None:
        _check_vector(self.totals, self.keys.size, self.table)
        if self.factor < 1:
            raise BoundError(f"{self.table}: factor must be 1 or more, got {self.factor}")
        if np.any(self.totals[~self.keys.measured] != 0):
            raise BoundError(f"{self.table}: a structural zero holds a total; the keys are wrong")
        self.totals.setflags(write=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Noisy:
    """A differentially private measurement: anything computed from it costs nothing more.

    Attributes:
        table: Name of the table.
        reads: The dates whose records were read.
        keys: The public key set.
        law: The noise in every measured cell (independent across cells).
        loss: What was charged for it.
        lattice: int64, shape (keys.size,): totals plus noise in lattice units; 0 in structural
            zeros, which carry no noise.
    """

    table: str
    reads: tuple[dt.date, ...]
    keys: KeySet
    law: NoiseLaw
    loss: Loss
    lattice: NDArray[np.int64] = field(repr=False)

    def __post_init__(self) -> None:
        _check_vector(self.lattice, self.keys.size, self.table)
        self.lattice.setflags(write=False)

    @property
    def values(self) -> NDArray[np.float64]:
        """Unbiased values in released units, shape (keys.size,); may be negative."""
        return self.lattice / float(self.law.factor)

    @property
    def sd(self) -> NDArray[np.float64]:
        """Standard deviation of the noise per cell; 0 in structural zeros."""
        return np.where(self.keys.measured, self.law.sd, 0.0)


def _check_vector(vector: NDArray[np.int64], size: int, table: str) -> None:
    if vector.dtype != np.int64 or vector.shape != (size,):
        raise BoundError(
            f"{table}: a vector of {size} int64 cells is due, got {vector.dtype} {vector.shape}"
        )
