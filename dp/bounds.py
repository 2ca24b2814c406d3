"""Contribution bounds: how far one person can move a vector of totals."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Sensitivity of an integer vector to one person, in lattice units (released unit / factor).

    Attributes:
        l0: Number of cells that change, at most.
        l1: Sum of absolute changes, at most.
        l2_squared: Sum of squared changes, at most.
        linf: Change of one cell, at most.
    """

    l0: int
    l1: int
    l2_squared: int
    linf: int

    def __post_init__(self) -> None:
        for name in ("l0", "l1", "l2_squared", "linf"):
            value = getattr(self, name)
            if type(value) is not int:
                raise TypeError(f"{name} must be an integer, got {value!r}")
            if value < 1:
                raise ValueError(f"{name} must be 1 or more, got {value}")

    @property
    def l2(self) -> float:
        """The L2 sensitivity as a float that is never below the exact root (``bounds.md``)."""
        return math.nextafter(math.sqrt(self.l2_squared), math.inf)

    def times(self, ids: int) -> Bounds:
        """Return the bounds of one person who holds ``ids`` identifiers (``units.md``)."""
        if ids < 1:
            raise ValueError(f"ids must be 1 or more, got {ids}")
        return Bounds(
            l0=self.l0 * ids,
            l1=self.l1 * ids,
            l2_squared=self.l2_squared * ids**2,
            linf=self.linf * ids,
        )

    def replaced(self) -> Bounds:
        """Return the bounds when a person moves instead of vanishing.

        A table that reads several dates can meet a window only in part. Its contributions being
        non-negative, |a - b|^2 <= |a|^2 + |b|^2: L0, L1 and L2^2 double and Linf stays
        (``bounds.md``).
        """
        return Bounds(
            l0=self.l0 * 2, l1=self.l1 * 2, l2_squared=self.l2_squared * 2, linf=self.linf
        )
