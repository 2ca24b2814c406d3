"""Weighting over several levels: one factor per person, so that all levels count the same."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dp.bounding.rule import check_cap, per_person
from dp.bounding.weighting import MAX_CAP, MAX_SQUARE, MAX_V
from dp.bounds import Bounds
from dp.errors import BoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dp.lifts import Lift
    from dp.tables import Sensitive

MOST = 2**16
"""Who adds more than this on one date, all cells together, is no person and adds nothing."""


@dataclass(frozen=True, slots=True)
class LevelWeighting:
    """Scales one person's vector of one date until every level keeps its own cap.

    With V the vector at a level (the sum of v over the cells that its map joins), n its squared
    norm and C its cap: w_i = isqrt(F^2 v_i^2 C // n) at the level with the least C / n, where that
    is below 1; else F v_i. The coarse totals are the sums of the leaves' (``level_weighting.md``).

    Attributes:
        caps: By level, the leaves first: the squared L2 norm of one person on one date.
        lifts: The public map from the leaves to each level above.
        factor: F: lattice units in one released unit.

    Raises:
        BoundError: a cap above 1,024 or below 1, cap F^2 above 2^34, or not one cap a level.
    """

    caps: tuple[int, ...]
    lifts: tuple[Lift, ...] = field(repr=False)
    factor: int = 4096

    def __post_init__(self) -> None:
        if len(self.caps) != len(self.lifts) + 1 or not self.lifts:
            raise BoundError("levels need one cap for the leaves and one for each map above them")
        for cap in self.caps:
            check_cap(cap)
            if cap > MAX_CAP or cap * self.factor**2 > MAX_SQUARE:
                raise BoundError(
                    f"cap {cap} of a level with factor {self.factor} is too large for 64-bit "
                    f"integers: take at most {min(MAX_CAP, MAX_SQUARE // self.factor**2)}"
                )

    @property
    def bounds(self) -> Bounds:
        """Sensitivity of the leaves' totals of one date to one identifier, in lattice units."""
        return self.coarser(0)

    def coarser(self, level: int) -> Bounds:
        """Return the sensitivity of the totals of one level; 0 for the leaves."""
        square = self.caps[level] * self.factor**2
        return Bounds(l0=square, l1=square, l2_squared=square, linf=math.isqrt(square))

    def sql(self, sensitive: Sensitive) -> str:
        """Return the weighted sum per date and leaf cell, exact in every engine.

        Raises:
            BoundError: the statement already sums persons.
        """
        statement = per_person(sensitive, rule="weighting")
        least = f"LEAST(v, {MOST})"
        levels = range(1, len(self.caps))
        parts = [
            (
                f"clipped_rows AS (SELECT d, person, cell, LEAST(CAST(v AS BIGINT), {MAX_V}) AS v "
                f"FROM ({statement}) AS contributions WHERE v > 0)"
            ),
            (
                "norms_0 AS (SELECT d, person, CAST(SUM(v * v) AS BIGINT) AS n0, "
                "CAST(SUM(v) AS BIGINT) AS s FROM clipped_rows GROUP BY d, person)"
            ),
        ]
        for k in levels:
            lifted = self.lifts[k - 1].sql("clipped_rows")
            parts.append(
                f"norms_{k} AS (SELECT d, person, CAST(SUM({least} * {least}) AS BIGINT) AS n{k} "
                "FROM (SELECT d, person, up, CAST(SUM(v) AS BIGINT) AS v "
                f"FROM ({lifted}) AS lifted GROUP BY d, person, up) AS level_{k} "
                "GROUP BY d, person)"
            )
        joined = "clipped_rows AS c JOIN norms_0 AS p0 ON c.d = p0.d AND c.person = p0.person" + (
            "".join(
                f" JOIN norms_{k} AS p{k} ON c.d = p{k}.d AND c.person = p{k}.person"
                for k in levels
            )
        )
        return (
            f"WITH {', '.join(parts)} SELECT d, cell, CAST(SUM(w) AS BIGINT) AS total "
            f"FROM ({self._weights(joined)}) AS weighted GROUP BY d, cell"
        )

    def _weights(self, joined: str) -> str:
        squares = ", ".join(
            f"CASE WHEN n{k} > {cap} THEN {cap * self.factor**2} * (v * v) // n{k} "
            f"ELSE {MAX_SQUARE} END"
            for k, cap in enumerate(self.caps)
        )
        whole = " AND ".join(f"n{k} <= {cap}" for k, cap in enumerate(self.caps))
        norms = ", ".join(f"n{k}" for k in range(len(self.caps)))
        return (
            f"SELECT d, cell, CASE WHEN s > {MOST} THEN 0 WHEN {whole} THEN {self.factor} * v "
            "WHEN g * g > q THEN g - 1 ELSE g END AS w "
            "FROM (SELECT *, CAST(FLOOR(SQRT(CAST(q AS DOUBLE)) + 5e-1) AS BIGINT) AS g "
            f"FROM (SELECT c.d, c.cell, v, s, {norms}, LEAST({squares}) AS q FROM {joined}) "
            "AS squares) AS guesses"
        )

    def reference(self, contributions: Mapping[int, int]) -> dict[int, int]:
        """Return what one person's contributions (cell -> v) on one date add to the leaves."""
        clipped = {cell: min(v, MAX_V) for cell, v in contributions.items() if v > 0}
        if sum(clipped.values()) > MOST:
            return {}
        norms = [sum(v * v for v in clipped.values())]
        for lift in self.lifts:
            above: dict[int, int] = {}
            for cell, v in clipped.items():
                above[lift.cell(cell)] = above.get(lift.cell(cell), 0) + v
            norms.append(sum(v * v for v in above.values()))
        binding = [(c, n) for c, n in zip(self.caps, norms, strict=True) if n > c]
        if not binding:
            return {cell: self.factor * v for cell, v in clipped.items()}
        square = self.factor**2
        weights = {
            cell: math.isqrt(min(c * square * v * v // n for c, n in binding))
            for cell, v in clipped.items()
        }
        return {cell: w for cell, w in weights.items() if w}
