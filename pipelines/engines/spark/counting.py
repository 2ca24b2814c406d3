"""Counts for the private diagnostics, from the staged rows."""

from __future__ import annotations

from collections import Counter

from pipelines.engines.spark.reading import Relations
from pipelines.engines.spark.staging import STAGED
from pipelines.ingest.check import CheckedSource
from pipelines.ingest.diagnostics import Diagnostics, SourceCounts
from pipelines.ingest.reasons import Reason

_COUNTS = (
    "SELECT source, reason, COUNT(*) AS n, "
    "CAST(SUM(CASE WHEN reason = 0 AND zone < 0 THEN 1 ELSE 0 END) AS BIGINT) AS outside "
    f"FROM {STAGED} GROUP BY source, reason"
)


def count(relations: Relations, sources: tuple[CheckedSource, ...]) -> Diagnostics:
    """Return how many rows of each source were kept and set aside; reads every row once."""
    rows = relations.select(_COUNTS).collect()
    counted = {(row.source, row.reason): (row.n, row.outside) for row in rows}
    return Diagnostics(tuple(_source(checked, counted) for checked in sources))


def _source(
    checked: CheckedSource, counted: dict[tuple[int, int], tuple[int, int]]
) -> SourceCounts:
    kept, outside = counted.get((checked.number, 0), (0, 0))
    aside = Counter(
        {reason: counted.get((checked.number, int(reason)), (0, 0))[0] for reason in Reason}
    )
    if checked.table.files.format == "parquet":
        # Rows that the filter on raw times left unread were far outside the period.
        aside[Reason.OUTSIDE_PERIOD] += checked.table.layout.rows - kept - aside.total()
    return SourceCounts(
        label=checked.source.label,
        rows=kept + aside.total(),
        kept=kept,
        outside_zones=outside,
        set_aside=dict(aside),
    )
