"""Counts for the private diagnostics, gathered while records are staged and counted anyway."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import duckdb

from pipelines.engines.duckdb.reading import rejects_relation
from pipelines.ingest.check import CheckedSource
from pipelines.ingest.diagnostics import Diagnostics, SourceCounts
from pipelines.ingest.reasons import ROOM, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was counted so far, by source number. Private."""

    kept: Counter[int] = field(default_factory=Counter)
    outside: Counter[int] = field(default_factory=Counter)
    aside: dict[int, Counter[Reason]] = field(default_factory=dict)

    def staged(self, rows: dict[int, int]) -> None:
        """Add rows set aside: bucket ``-(source * ROOM + reason)`` holds them."""
        for bucket, count in rows.items():
            if bucket < 0:
                source, reason = divmod(-bucket, ROOM)
                self.aside.setdefault(source, Counter())[Reason(reason)] += count

    def bucket(self, con: duckdb.DuckDBPyConnection, records: str, *, many: bool) -> None:
        """Add a bucket's records."""
        source = "source" if many else "0 AS source"
        counted = con.execute(
            f"SELECT {source}, COUNT(*), COUNT(*) FILTER (zone < 0) "
            f"FROM ({records}) AS r GROUP BY 1"
        )
        for number, kept, outside in counted.fetchall():
            self.kept[number] += kept
            self.outside[number] += outside

    def diagnostics(
        self, con: duckdb.DuckDBPyConnection, sources: tuple[CheckedSource, ...]
    ) -> Diagnostics:
        """Return the diagnostics of the finished job."""
        return Diagnostics(tuple(self._source(con, checked) for checked in sources))

    def _source(self, con: duckdb.DuckDBPyConnection, checked: CheckedSource) -> SourceCounts:
        aside = self.aside.get(checked.number, Counter())
        kept = self.kept[checked.number]
        if checked.table.files.format == "csv":
            aside[Reason.LINE_MALFORMED] += _malformed(con, checked)
        else:
            # Rows that the filter on raw times left unread were far outside the period.
            unread = checked.table.layout.rows - kept - aside.total()
            aside[Reason.OUTSIDE_PERIOD] += unread
        return SourceCounts(
            label=checked.source.label,
            rows=kept + aside.total(),
            kept=kept,
            outside_zones=self.outside[checked.number],
            set_aside=dict(aside),
        )


def _malformed(con: duckdb.DuckDBPyConnection, checked: CheckedSource) -> int:
    rejects = rejects_relation(checked)
    row = con.execute(f"SELECT COUNT(DISTINCT (file_id, line)) FROM {rejects}").fetchone()
    return int(row[0]) if row else 0
