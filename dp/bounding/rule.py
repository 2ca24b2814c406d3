"""What every bounding rule offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dp.bounds import Bounds
    from dp.tables import Sensitive


class Rule(Protocol):
    """Turns contributions into integer totals with a proven sensitivity to one identifier.

    A person's kept contributions depend on that person's records alone: no rank among others, no
    quantile of the data.
    """

    @property
    def factor(self) -> int:
        """Lattice units in one released unit."""
        ...

    @property
    def bounds(self) -> Bounds:
        """Sensitivity of the totals of one date to one identifier, in lattice units."""
        ...

    def sql(self, sensitive: Sensitive) -> str:
        """Return a SELECT giving ``(d INTEGER, cell BIGINT, total BIGINT)``, one row per cell.

        Totals of disjoint sets of persons may be added up.
        """
        ...
