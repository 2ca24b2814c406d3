"""A process that counts records and dies where it is told: hooks live here, not in the product.

Reads lines "work<TAB>data<TAB>point", does each in a fork of itself so that imports are paid for
once, and answers "killed" or "exit N".
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from engine_desk import PERSONS, RECORDS, job, source

from pipelines.engines.contract import Job
from pipelines.engines.duckdb import run
from pipelines.engines.duckdb.engine import DuckDBEngine
from pipelines.progress import Silent

BUCKET_ROWS = 50
PEOPLE = 240


def die() -> None:
    """End this process as the kernel would that is out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, nth: int = 1) -> None:
    _hook(owner, name, lambda real, *args, **more: (die(), real(*args, **more))[1], nth)


def after(owner: Any, name: str, nth: int = 1) -> None:
    _hook(owner, name, lambda real, *args, **more: (real(*args, **more), die())[0], nth)


def _hook(owner: Any, name: str, deadly: Callable[..., Any], nth: int) -> None:
    real, calls = getattr(owner, name), [0]

    def hooked(*args: Any, **more: Any) -> Any:
        calls[0] += 1
        return deadly(real, *args, **more) if calls[0] == nth else real(*args, **more)

    setattr(owner, name, hooked)


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
    "before the sum": (partial(before, run.Run, "_sum"), -1),
    "after the sum": (partial(after, run.Run, "_sum"), -1),
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


def _serve() -> None:
    for line in sys.stdin:
        work, data, point = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            POINTS[point][0]()
            engine().run(counting(Path(work), Path(data)), Silent())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        sys.stdout.write("killed\n" if killed else f"exit {os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
