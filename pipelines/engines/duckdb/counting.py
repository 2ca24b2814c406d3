"""Counts for the private diagnostics, gathered while records are staged and counted anyway."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from pipelines.engines.duckdb.partials import Kept
from pipelines.engines.duckdb.reading import rejects_relation
from pipelines.ingest.check import CheckedSource
from pipelines.ingest.diagnostics import Diagnostics, SourceCounts
from pipelines.ingest.reasons import ROOM, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was counted, by source number. Private.

    Attributes:
        kept: Records.
        outside: Records outside all zones.
        aside: Rows set aside, by reason.
    """

    kept: Counter[int]
    outside: Counter[int]
    aside: dict[int, Counter[Reason]]

    @classmethod
    def of(
        cls, rows: Mapping[int, int], groups: Iterable[Kept], malformed: Mapping[int, int]
    ) -> Tally:
        """Return the sums over groups of buckets.

        Args:
            rows: Staged rows by bucket; ``-(source * ROOM + reason)`` holds rows set aside.
            groups: What each group held.
            malformed: Lines that are no text, by source number.
        """
        tally = cls(kept=Counter(), outside=Counter(), aside={})
        for group in groups:
            for source, kept, outside in group:
                tally.kept[source] += kept
                tally.outside[source] += outside
        for bucket, count in rows.items():
            if bucket < 0:
                source, reason = divmod(-bucket, ROOM)
                tally.aside.setdefault(source, Counter())[Reason(reason)] += count
        for source, count in malformed.items():
            tally.aside.setdefault(source, Counter())[Reason.LINE_MALFORMED] += count
        return tally

    def diagnostics(self, sources: tuple[CheckedSource, ...]) -> Diagnostics:
        """Return the diagnostics of the finished job."""
        return Diagnostics(tuple(self._source(checked) for checked in sources))

    def _source(self, checked: CheckedSource) -> SourceCounts:
        aside = self.aside.get(checked.number, Counter())
        kept = self.kept[checked.number]
        if checked.table.files.format == "parquet":
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


def held_by(con: duckdb.DuckDBPyConnection, records: str, *, many: bool) -> Kept:
    """Return what a group of buckets holds.

    Args:
        con: The engine.
        records: SELECT of its records.
        many: Whether there are several sources.
    """
    source = "source" if many else "0 AS source"
    counted = con.execute(
        f"SELECT {source}, COUNT(*), COUNT(*) FILTER (zone < 0) FROM ({records}) AS r GROUP BY 1"
    )
    return tuple(sorted(counted.fetchall()))


def malformed_lines(
    con: duckdb.DuckDBPyConnection, sources: tuple[CheckedSource, ...]
) -> dict[int, int]:
    """Return the lines of CSV sources that are no text, by source number."""
    found = {}
    for checked in sources:
        if checked.table.files.format == "csv":
            rejects = rejects_relation(checked)
            lines = f"SELECT COUNT(DISTINCT (file_id, line)) FROM {rejects}"
            row = con.execute(lines).fetchone()
            found[checked.number] = int(row[0]) if row else 0
    return found
