"""How staged records are written: whole, or second and zone in one column where one date allows it.

Records are written once and read four times. Second and zone in 32 bits, and no date where there
is one alone, make them a third smaller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipelines.ingest.clean import Reading
from pipelines.schemas.world import World
from pipelines.traces.moments import Moments

_ONE, _MASK = "m", 2**31 - 1


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns of staged records.

    Attributes:
        moments: How second and zone are written in one column; None where they stand apart.
    """

    moments: Moments | None

    @classmethod
    def of(cls, world: World, reading: Reading) -> Layout:
        """Return what suits a job: records without ends, of one date, in zones that are few."""
        moments = Moments.of(len(world.zones))
        whole = reading.declared or len(world.calendar.dates) > 1 or moments.kind != "INTEGER"
        return cls(None if whole else moments)

    def packed(self, rows: str, columns: list[str]) -> str:
        """Return a SELECT of located rows as they are staged.

        A row that is set aside may have any second; of its number what does not fit is cut off.

        Args:
            rows: SELECT of the columns and ``zone``.
            columns: Their names.
        """
        if self.moments is None:
            return f"SELECT {', '.join(columns)}, zone FROM ({rows}) AS r"
        kept = [name for name in columns if name not in ("d", "t")]
        moment = replace(self.moments, kind="BIGINT").at("t", "zone")
        return (
            f"SELECT {', '.join(kept)}, CAST({moment} & {_MASK} AS INTEGER) AS {_ONE} "
            f"FROM ({rows}) AS r"
        )

    def unpacked(self, staged: str) -> str:
        """Return a SELECT of records from one of staged rows."""
        if self.moments is None:
            return staged
        return (
            f"SELECT * EXCLUDE ({_ONE}), CAST(0 AS INTEGER) AS d, "
            f"{self.moments.second(_ONE)} AS t, {self.moments.zone(_ONE)} AS zone "
            f"FROM ({staged}) AS packed"
        )
