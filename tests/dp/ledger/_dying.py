"""Processes that make one release and kill themselves at a numbered point of it.

Run: python _dying.py FOLDER POINT... One process for each point works on the ledger in
FOLDER/POINT. Points are counted at every place where what is on the disk changes, and around the
draw itself; each draw is noted in a file before its noise is used. At point 0 the process lives,
and its exit code says how many points it passed. Prints "POINT EXITCODE" lines.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from _ledgers import daily, reserve, sha

from dp.ledger import Ledger, Reservation, disk, store
from dp.ledger.anchor import Anchor
from dp.ledger.file import LedgerFile

_passed = 0
_target = 0


def point() -> bool:
    """Count one point; die where this is the one. True for the point before that."""
    global _passed  # noqa: PLW0603  # one counter for one process
    _passed += 1
    if _passed == _target:
        os.kill(os.getpid(), signal.SIGKILL)
    return _passed + 1 == _target


def around(owner: Any, name: str, halfway: Callable[..., object] | None = None) -> None:
    """Put a point before and after a function, and one in the middle of its work."""
    real = getattr(owner, name)

    def watched(*args: Any, **kwargs: Any) -> Any:
        if point() and halfway is not None:
            halfway(*args)
        point()
        result = real(*args, **kwargs)
        point()
        return result

    setattr(owner, name, watched)


def half_a_line(anchor: Anchor, line: str) -> None:
    with anchor.path.open("ab") as file:
        file.write(line.encode()[: len(line) // 2])
    os.kill(os.getpid(), signal.SIGKILL)


def half_a_commit(file: LedgerFile, entry: Any) -> None:
    """Die with changed pages in the file and their old bytes in a hot journal."""
    with file.connected() as db:
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN IMMEDIATE")
        for more in range(40):
            row = (entry.seq + more, entry.kind, entry.payload * 40, entry.hash)
            db.execute("INSERT INTO entries VALUES (?, ?, ?, ?)", row)
        assert file.path.with_name(f"{file.path.name}-journal").exists()
        os.kill(os.getpid(), signal.SIGKILL)


def half_a_file(path: Path, payload: bytes) -> None:
    disk.touch_private(disk.part_of(path))
    disk.part_of(path).write_bytes(payload[:3])
    os.kill(os.getpid(), signal.SIGKILL)


def noise(draws: Path, reservation: Reservation) -> bytes:
    """Draw: from the moment that the note is made, somebody may have seen it."""
    point()
    with draws.open("a") as file:
        file.write(f"{reservation.key} {reservation.attempt}\n")
        file.flush()
        os.fsync(file.fileno())
    point()
    return f"noise of attempt {reservation.attempt}".encode()


def release(folder: Path) -> None:
    """Make the release, or go on with it."""
    ledger = Ledger.open(folder / "x.ledger", anchors=folder / "anchors")
    with ledger.exclusive():
        (booked,) = reserve(ledger, daily(0, 1))
        if booked.state in {"reserved", "draw_started"}:
            started = ledger.start_draw(booked)
            payload = noise(folder / "draws", started)
            sha256 = ledger.store.write(started.key, started.attempt, payload)
            ledger.book_drawn(started, sha256)
        if ledger.settled(booked.release_id) is None:
            ledger.settle(booked.release_id, sha("manifest"))


def live_until(target: int, folder: Path) -> int:
    """Make the release in a process of its own and return how that ended."""
    global _target  # noqa: PLW0603  # set in the new process only
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    _target = target
    release(folder / str(target))
    os._exit(_passed)


if __name__ == "__main__":
    around(Anchor, "_append", half_a_line)
    around(LedgerFile, "append", half_a_commit)
    around(store, "write_private", half_a_file)
    for number in map(int, sys.argv[2:]):
        print(number, live_until(number, Path(sys.argv[1])), flush=True)
