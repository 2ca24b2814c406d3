"""What every bounding rule offers, and what they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dp.errors import BoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

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

    def coarser(self, level: int) -> Bounds:
        """Return the bounds of the totals at a level above the cells, in lattice units.

        The totals of a level are the sums of the cells' that its public map joins. Level 0 are the
        cells themselves.

        Raises:
            BoundError: the rule bounds the cells alone.
        """
        ...

    def sql(self, sensitive: Sensitive) -> str:
        """Return a SELECT giving ``(d INTEGER, cell BIGINT, total BIGINT)``, one row per cell.

        Totals of disjoint sets of persons may be added up. ``Inherent`` gives two columns more for
        a table that is ``stretched`` (``dp.tables.Sensitive``).
        """
        ...

    def reference(self, contributions: Mapping[int, int]) -> dict[int, int]:
        """Return what one person's contributions (cell -> v) on one date add to the totals.

        The same rule in plain Python, slow and plain to read: tests hold the SQL against it.
        """
        ...


def naming(sensitive: Sensitive, *, rule: str) -> str:
    """Return the statement of a table whose rows still name persons, as it is.

    Raises:
        BoundError: persons are already summed, so that nothing can be bounded any more.
    """
    if sensitive.aggregated:
        raise BoundError(
            f"{sensitive.table}: {rule} needs one row per person, but its statement already sums "
            "persons: use the rule Inherent, or leave the persons in"
        )
    return sensitive.statement


def per_person(sensitive: Sensitive, *, rule: str) -> str:
    """Return the same with one row for each cell of a person, where rows may repeat one.

    Raises:
        BoundError: as ``naming``.
    """
    statement = naming(sensitive, rule=rule)
    if not sensitive.once:
        return statement
    return (
        "SELECT DISTINCT d, person, cell, CAST(1 AS BIGINT) AS v "
        f"FROM ({statement}) AS repeated WHERE v > 0 AND person IS NOT NULL"
    )


def check_cap(cap: int) -> None:
    """Refuse a cap that is no integer or below 1.

    Raises:
        BoundError: with the value that was given.
    """
    if type(cap) is not int or cap < 1:
        raise BoundError(f"cap must be an integer of 1 or more, got {cap!r}")
