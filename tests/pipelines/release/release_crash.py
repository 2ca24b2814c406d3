"""A process that releases and dies where it is told: hooks live here, not in the product.

Reads lines "anchors<TAB>spec<TAB>point", does each in a fork of itself so that imports are paid
for once, and answers "killed" or "exit N". A point that is a number is a time in seconds. Each
draw is noted beside the anchors before its noise is used.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from release_town import KnownEngine, zones_once

from dp.ledger import Ledger, MeasurementStore
from dp.mechanisms import Mechanism
from pipelines.release import derive, folder, run, totals, world
from pipelines.spec import load_spec

LAST = 4
"""Measurements of the town on one date."""


def die() -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, nth: int = 1) -> None:
    """Die when ``owner.name`` is called for the nth time."""
    _hook(owner, name, lambda real, *args, **more: (die(), real(*args, **more))[1], nth)


def after(owner: Any, name: str, nth: int = 1) -> None:
    """Die when ``owner.name`` has returned for the nth time."""
    _hook(owner, name, lambda real, *args, **more: (real(*args, **more), die())[0], nth)


def _hook(owner: Any, name: str, deadly: Callable[..., Any], nth: int) -> None:
    real, calls = getattr(owner, name), [0]

    def hooked(*args: Any, **more: Any) -> Any:
        calls[0] += 1
        return deadly(real, *args, **more) if calls[0] == nth else real(*args, **more)

    setattr(owner, name, hooked)


POINTS: dict[str, Callable[[], None]] = {
    "nowhere": lambda: None,
    "before the budget is checked": partial(before, Ledger, "check"),
    "after the records were read": partial(after, run, "count"),
    "before the reservation": partial(before, Ledger, "reserve"),
    "after the reservation": partial(after, Ledger, "reserve"),
    "after the first draw was started": partial(after, Ledger, "start_draw"),
    "inside a draw": partial(after, Mechanism, "draw", 2),
    "after a measurement was stored": partial(after, MeasurementStore, "write", 3),
    "after a measurement was booked": partial(after, Ledger, "book_drawn", 2),
    "before the last is booked": partial(before, Ledger, "book_drawn", LAST),
    "after the last was booked": partial(after, Ledger, "book_drawn", LAST),
    "while tables are written": partial(after, derive, "table_rows", 3),
    "before the manifest": partial(before, derive, "write_manifest"),
    "after the manifest": partial(after, derive, "write_manifest"),
    "while the folder is synced": partial(after, folder, "sync", 4),
    "before the rename": partial(before, Path, "rename"),
    "after the rename": partial(after, Path, "rename"),
    "before it is settled": partial(before, Ledger, "settle"),
    "after it was settled": partial(after, Ledger, "settle"),
}


def note_draws(note: Path) -> None:
    """Count draws in a file that outlives the process."""
    real = Mechanism.draw

    def drawn(*args: Any, **more: Any) -> Any:
        with note.open("ab") as file:
            file.write(b".")
        return real(*args, **more)

    Mechanism.draw = drawn  # type: ignore[method-assign]


def _release(spec: Path, point: str) -> None:
    os.fsync = lambda _handle: None  # type: ignore[assignment]  # a kill loses no page cache
    world.zones_of = zones_once
    totals.engine_of = lambda _name: KnownEngine()  # type: ignore[assignment]
    note_draws(Path(os.environ["MURMURATION_ANCHORS"]).with_name("draws"))
    POINTS.get(point, POINTS["nowhere"])()
    run.release(load_spec(spec, check_data=False))


def _serve() -> None:
    for line in sys.stdin:
        anchors, spec, point = line.rstrip("\n").split("\t")
        zones_once(load_spec(spec, check_data=False))
        child = os.fork()
        if child == 0:
            os.environ["MURMURATION_ANCHORS"] = anchors
            _release(Path(spec), point)
            sys.stdout.flush()
            os._exit(0)
        if point not in POINTS:
            time.sleep(float(point))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        sys.stdout.write("killed\n" if killed else f"exit {os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
