"""Bounded by construction: what a person can add is limited by what is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dp.bounding.rule import per_person
from dp.bounds import Bounds
from dp.errors import BoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dp.tables import Sensitive

STRETCHED = "SELECT d, cell, CAST(SUM(v) AS BIGINT) AS total, times, step"
"""How the statement of a table begins whose rows stand for stretches of cells, and no other's."""


@dataclass(frozen=True, slots=True)
class Inherent:
    """Sums contributions as they are: a person is in one zone at a time, sleeps in one place.

    Cost: the declared bounds, which the table's construction must prove (``inherent.md``).

    Attributes:
        bounds: Sensitivity of the totals of one date to one identifier, in released units.
        apart: Whether no level that the table offers joins two cells of one person: the bounds
            then hold at every level. The table's own proof says why.
    """

    bounds: Bounds
    apart: bool = False

    @property
    def factor(self) -> int:
        """One lattice unit is one released unit."""
        return 1

    def coarser(self, level: int) -> Bounds:
        """Return the bounds at a level above the cells; all may meet in one unless ``apart``."""
        if level == 0 or self.apart:
            return self.bounds
        most = self.bounds.l1
        return Bounds(l0=self.bounds.l0, l1=most, l2_squared=most**2, linf=most)

    def sql(self, sensitive: Sensitive) -> str:
        """Return the sum per date and cell; persons may be summed already.

        Of a table that is ``stretched`` the columns are ``(d, cell, total, times, step)``: the sum
        per date and stretch of cells, which whoever reads the totals adds to each of its cells.
        """
        statement = sensitive.statement
        if sensitive.stretched:
            return f"{STRETCHED} FROM ({statement}) AS contributions GROUP BY d, cell, times, step"
        if not sensitive.aggregated:
            statement = per_person(sensitive, rule="a bound by construction")
        return (
            "SELECT d, cell, CAST(SUM(v) AS BIGINT) AS total "
            f"FROM ({statement}) AS contributions GROUP BY d, cell"
        )

    def reference(self, contributions: Mapping[int, int]) -> dict[int, int]:
        """Return one person's contributions on one date, unchanged.

        Raises:
            BoundError: they break the declared bounds: the table's construction is wrong.
        """
        kept = {cell: v for cell, v in contributions.items() if v}
        broken = [
            name
            for name, value in (
                ("l0", len(kept)),
                ("l1", sum(abs(v) for v in kept.values())),
                ("l2_squared", sum(v * v for v in kept.values())),
                ("linf", max((abs(v) for v in kept.values()), default=0)),
            )
            if value > getattr(self.bounds, name)
        ]
        if broken:
            raise BoundError(
                f"a person adds more than the declared {', '.join(broken)}: the construction does "
                "not hold what the table declares"
            )
        return kept
