"""Sampling: of the cells that a person visited on a date, a few are kept by a keyed hash."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dp.bounding.rule import check_cap, naming
from dp.bounds import Bounds
from dp.errors import BoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dp.tables import Sensitive

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SECRET_BYTES = 16
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Sampling:
    """Keeps at most ``cap`` distinct cells of a person on a date; each adds exactly 1.

    Cells are ordered by sha256(secret | table | person | date | cell): an order that depends on
    that person alone and that nobody can steer without the secret (``sampling.md``).

    Attributes:
        cap: Cells kept, at most.
        secret: At least 16 private bytes, the ledger's own; never printed. It stands in the
            statement that ``sql`` returns, so that text must not leave the process.

    Raises:
        BoundError: a cap below 1 or a secret that is too short.
    """

    cap: int
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_cap(self.cap)
        if len(self.secret) < _SECRET_BYTES:
            raise BoundError(f"the sampling secret must have {_SECRET_BYTES} bytes or more")

    @property
    def factor(self) -> int:
        """One lattice unit is one released unit."""
        return 1

    @property
    def bounds(self) -> Bounds:
        """Sensitivity of the totals of one date to one identifier."""
        return Bounds(l0=self.cap, l1=self.cap, l2_squared=self.cap, linf=1)

    def coarser(self, level: int) -> Bounds:
        """Return the bounds at a level above the cells, where all kept cells may meet in one."""
        if level == 0:
            return self.bounds
        return Bounds(l0=self.cap, l1=self.cap, l2_squared=self.cap**2, linf=self.cap)

    def sql(self, sensitive: Sensitive) -> str:
        """Return the number of persons kept per date and cell.

        Raises:
            BoundError: the statement already sums persons, or the table's name is no identifier.
        """
        statement = naming(sensitive, rule="sampling")  # its own DISTINCT serves both kinds
        fields = ", ".join(f"CAST({name} AS VARCHAR)" for name in ("person", "d", "cell"))
        text = f"CONCAT_WS('|', '{self._prefix(sensitive.table)}', {fields})"
        return (
            "SELECT d, cell, CAST(COUNT(*) AS BIGINT) AS total FROM (SELECT d, cell, "
            "ROW_NUMBER() OVER (PARTITION BY d, person ORDER BY lot, cell) AS place "
            f"FROM (SELECT d, person, cell, SUBSTR(SHA256({text}), 1, {_DIGITS}) AS lot "
            f"FROM (SELECT DISTINCT d, person, cell FROM ({statement}) AS contributions "
            "WHERE v > 0 AND person IS NOT NULL) AS pairs) AS lots) AS places "
            f"WHERE place <= {self.cap} GROUP BY d, cell"
        )

    def reference(
        self,
        contributions: Mapping[int, int],
        *,
        table: str = "table",
        person: str = "",
        d: int = 0,
    ) -> dict[int, int]:
        """Return what one person's contributions (cell -> v) on one date add to the totals."""
        prefix = self._prefix(table)

        def lot(cell: int) -> tuple[str, int]:
            text = f"{prefix}|{person}|{d}|{cell}"
            return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS], cell

        visited = sorted((cell for cell, v in contributions.items() if v > 0), key=lot)
        return dict.fromkeys(visited[: self.cap], 1)

    def _prefix(self, table: str) -> str:
        if not _NAME.fullmatch(table):
            raise BoundError(f"a table's name is a small identifier such as visits, got {table!r}")
        return f"{self.secret.hex()}|{table}"
