"""A process that releases and dies where it is told.

Reads lines "anchors<TAB>spec<TAB>point" and answers each with "killed" or "exit N". A point that is
a number is a time in seconds. Each draw is noted beside the anchors before its noise is used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parents[2] / "processes"))

from killable import after, before, serve
from release_town import KnownEngine, zones_once

from dp.ledger import Ledger, MeasurementStore
from dp.mechanisms import Mechanism
from pipelines.release import derive, folder, run, totals, world
from pipelines.spec import load_spec

LAST = 4
"""Measurements of the town on one date."""


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


def _release(anchors: str, spec: str, point: str) -> None:
    os.environ["MURMURATION_ANCHORS"] = anchors
    os.fsync = lambda _handle: None  # type: ignore[assignment]  # a kill loses no page cache
    world.zones_of = zones_once
    totals.engine_of = lambda _name: KnownEngine()  # type: ignore[assignment]
    note_draws(Path(anchors).with_name("draws"))
    POINTS.get(point, POINTS["nowhere"])()
    run.release(load_spec(Path(spec), check_data=False))


def _read_zones(_anchors: str, spec: str, _point: str) -> None:
    zones_once(load_spec(Path(spec), check_data=False))


def _seconds(_anchors: str, _spec: str, point: str) -> float | None:
    return None if point in POINTS else float(point)


if __name__ == "__main__":
    serve(_release, warm=_read_zones, lives_s=_seconds)
