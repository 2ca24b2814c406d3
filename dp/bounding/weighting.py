"""Weighting: who adds more than the cap is scaled down to it, in integers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dp.bounding.rule import check_cap, naming
from dp.bounds import Bounds
from dp.errors import BoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dp.tables import Sensitive

MAX_V = 2**14 - 1
"""A person adds at most this to one cell before weighting; more is read as this much."""
MAX_CAP = 2**10
MAX_SQUARE = 2**34
"""cap F^2 may be this large: then cap F^2 v^2 < 2^62, and no 64-bit product can overflow."""


@dataclass(frozen=True, slots=True)
class Weighting:
    """Scales one person's vector v of one date down to norm at most the cap (``weighting.md``).

    With F the factor, C the cap and n2 = sum of v_i^2: w_i = isqrt(F^2 v_i^2 C // n2) where
    n2 > C, else F v_i. Then sum of w_i^2 <= C F^2. For Laplace noise take ``norm=1``: with
    n1 = sum of v_i, w_i = F v_i C // n1 where n1 > C, else F v_i; then sum of w_i <= C F.

    Attributes:
        cap: C: the squared L2 norm (norm 2) or the L1 norm (norm 1) of one person on one date, in
            released units.
        factor: F: lattice units in one released unit; the larger, the less rounding down.
        norm: Which norm is capped.

    Raises:
        BoundError: a cap above 1,024, a factor below 1, or cap F^2 above 2^34.
    """

    cap: int
    factor: int = 4096
    norm: Literal[1, 2] = 2

    def __post_init__(self) -> None:
        check_cap(self.cap)
        if type(self.factor) is not int or self.factor < 1:
            raise BoundError(f"factor must be an integer of 1 or more, got {self.factor!r}")
        if self.norm not in (1, 2):
            raise BoundError(f"norm must be 1 or 2, got {self.norm!r}")
        if self.cap > MAX_CAP or self.cap * self.factor**2 > MAX_SQUARE:
            raise BoundError(
                f"cap {self.cap} with factor {self.factor} is too large for 64-bit integers: "
                f"take a cap of at most {min(MAX_CAP, MAX_SQUARE // self.factor**2)}"
            )

    @property
    def bounds(self) -> Bounds:
        """Sensitivity of the totals of one date to one identifier, in lattice units."""
        if self.norm == 1:
            most = self.cap * self.factor
            return Bounds(l0=most, l1=most, l2_squared=most**2, linf=most)
        square = self.cap * self.factor**2
        return Bounds(l0=square, l1=square, l2_squared=square, linf=math.isqrt(square))

    def coarser(self, level: int) -> Bounds:
        """Return the bounds at a level above the cells: with norm 1 those of the cells.

        Raises:
            BoundError: norm 2 at a level above: ``LevelWeighting`` bounds all levels at once.
        """
        if level and self.norm != 1:
            raise BoundError("weighting to a norm of 2 bounds the cells alone: use LevelWeighting")
        return self.bounds

    def sql(self, sensitive: Sensitive) -> str:
        """Return the weighted sum per date and cell, exact in every engine.

        Raises:
            BoundError: the statement already sums persons.
        """
        statement = naming(sensitive, rule="weighting")
        weighted = self._once(statement) if sensitive.once else self._joined(statement)
        return (
            "SELECT d, cell, CAST(SUM(w) AS BIGINT) AS total "
            f"FROM ({weighted}) AS weighted GROUP BY d, cell"
        )

    def _joined(self, statement: str) -> str:
        """Return the weight of each row, by its person's norm."""
        term = "v * v" if self.norm == 2 else "v"  # noqa: PLR2004  the norm is its own name
        rows = "clipped_rows AS c JOIN person_norms AS p ON c.d = p.d AND c.person = p.person"
        return (
            f"WITH clipped_rows AS (SELECT d, person, cell, LEAST(CAST(v AS BIGINT), {MAX_V}) AS v "
            f"FROM ({statement}) AS contributions WHERE v > 0), "
            f"person_norms AS (SELECT d, person, CAST(SUM({term}) AS BIGINT) AS n "
            "FROM clipped_rows GROUP BY d, person) "
            f"{self._weights(f'(SELECT c.d, c.cell, v, n FROM {rows}) AS normed', keep='d, cell')}"
        )

    def _once(self, statement: str) -> str:
        """Return the same for a person who counts once in a cell: the norm is the number of cells.

        A person's cells are gathered in one list and made distinct there. One weight serves them.
        """
        normed = (
            "(SELECT *, CAST(1 AS BIGINT) AS v, CAST(ARRAY_LENGTH(cells) AS BIGINT) AS n "
            "FROM (SELECT d, LIST_DISTINCT(LIST(cell)) AS cells "
            f"FROM ({statement}) AS contributions WHERE v > 0 AND person IS NOT NULL "
            "GROUP BY d, person) AS gathered) "
            "AS normed"
        )
        weights = self._weights(normed, keep="d, cells")
        return f"SELECT d, UNNEST(cells) AS cell, w FROM ({weights}) AS weights"

    def _weights(self, normed: str, *, keep: str) -> str:
        """Return ``keep`` and the weight w of each row of (v, n), n the norm of its person."""
        whole = f"n <= {self.cap} THEN {self.factor} * v"
        if self.norm == 1:
            share = f"{self.cap * self.factor} * v // n"
            return f"SELECT {keep}, CASE WHEN {whole} ELSE {share} END AS w FROM {normed}"
        square = f"{self.cap * self.factor**2} * (v * v) // n"
        return (
            f"SELECT {keep}, CASE WHEN {whole} WHEN g * g > q THEN g - 1 ELSE g END AS w "
            "FROM (SELECT *, CAST(FLOOR(SQRT(CAST(q AS DOUBLE)) + 5e-1) AS BIGINT) AS g "
            f"FROM (SELECT {keep}, v, n, {square} AS q FROM {normed}) AS squares) AS guesses"
        )

    def reference(self, contributions: Mapping[int, int]) -> dict[int, int]:
        """Return what one person's contributions (cell -> v) on one date add to the totals."""
        clipped = {cell: min(v, MAX_V) for cell, v in contributions.items() if v > 0}
        norm = sum(v**self.norm for v in clipped.values())
        if norm <= self.cap:
            return {cell: self.factor * v for cell, v in clipped.items()}
        if self.norm == 1:
            weights = {c: self.factor * v * self.cap // norm for c, v in clipped.items()}
        else:
            top = self.cap * self.factor**2
            weights = {c: math.isqrt(top * v * v // norm) for c, v in clipped.items()}
        return {cell: w for cell, w in weights.items() if w}
