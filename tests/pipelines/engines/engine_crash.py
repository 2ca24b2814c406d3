"""A process that counts records and dies where it is told.

Reads lines "work<TAB>data<TAB>point" and answers each with "killed" or "exit N".
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parents[2] / "processes"))

from engine_desk import PERSONS, RECORDS, job, source
from killable import after, before, serve

from pipelines.engines.contract import Job
from pipelines.engines.duckdb import run
from pipelines.engines.duckdb.engine import DuckDBEngine
from pipelines.progress import Silent

BUCKET_ROWS = 50
PEOPLE = 240


# The first file that is renamed is the state file; partials follow, in order.
POINTS: dict[str, tuple[Callable[[], None], int | None]] = {
    "while records are read": (partial(before, run, "staging_sql"), None),
    "when the records are staged": (partial(before, run, "malformed_lines"), None),
    "before the state file stands": (partial(before, Path, "replace"), None),
    "after the state file stands": (partial(after, Path, "replace"), 0),
    "before the first group": (partial(before, run, "count_bucket"), 0),
    "after the first group is counted, unwritten": (partial(after, run, "count_bucket"), 0),
    "before the second partial stands": (partial(before, Path, "replace", 3), 1),
    "after the second partial stands": (partial(after, Path, "replace", 3), 2),
    "while the second group's buckets are removed": (partial(before, Path, "unlink", 2), 2),
    "in the middle of the third group": (partial(after, run, "held_by", 3), 2),
    "before the sum": (partial(before, run.Run, "_summed"), -1),
    "after the sum": (partial(after, run.Run, "_summed"), -1),
    "when all is done": (partial(after, DuckDBEngine, "run"), -1),
}
"""By name: how to die, and the groups that need not be counted again (None: nothing is kept)."""


def counting(work: Path, data: Path, **changes: Any) -> Job:
    """Return the job that these processes do."""
    given = source(data, kind="pings", lat="lat", lon="lon")
    plain: dict[str, Any] = {"statements": RECORDS | PERSONS, "owner": "a ledger"}
    return job(work, given, **plain | changes)


def engine() -> DuckDBEngine:
    """Return the engine that these processes use: small buckets, in files."""
    return DuckDBEngine(bucket_rows=BUCKET_ROWS, in_memory=False)


def _count(work: str, data: str, point: str) -> None:
    POINTS[point][0]()
    engine().run(counting(Path(work), Path(data)), Silent())


if __name__ == "__main__":
    serve(_count)
