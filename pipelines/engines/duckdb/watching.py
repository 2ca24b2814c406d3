"""Progress of one long statement, asked for while it runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from pipelines.progress import Progress

_EVERY_S = 0.3


@contextmanager
def watched(con: duckdb.DuckDBPyConnection, progress: Progress, step: str) -> Iterator[None]:
    """Report how far the statement inside is, as a fraction of ``step``."""
    done = threading.Event()

    def ask() -> None:
        while not done.wait(_EVERY_S):
            percent = con.query_progress()
            if percent >= 0:
                progress.at(step, min(percent / 100, 1.0))

    asking = threading.Thread(target=ask, daemon=True)
    progress.at(step, 0.0)
    asking.start()
    try:
        yield
    finally:
        done.set()
        asking.join()
    progress.at(step, 1.0)
