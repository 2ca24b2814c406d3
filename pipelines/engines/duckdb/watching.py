"""Progress of one long statement, asked for while it runs."""

from __future__ import annotations

from contextlib import AbstractContextManager

import duckdb

from pipelines.engines.watching import watching
from pipelines.progress import Progress

_EVERY_S = 0.3


def watched(
    con: duckdb.DuckDBPyConnection, progress: Progress, step: str
) -> AbstractContextManager[None]:
    """Report how far the statement inside is, as a fraction of ``step``."""

    def done() -> float | None:
        percent = con.query_progress()
        return min(percent / 100, 1.0) if percent >= 0 else None

    return watching(progress, step, done=done, every_s=_EVERY_S)
