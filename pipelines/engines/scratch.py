"""The private folder of one run: everything an engine writes is in it, and it goes at the end.

A killed process cannot clean up. Each folder therefore holds a lock while its process lives, and
the next run takes up the folders whose lock is free, or removes them: raw records never outlive a
crash for long.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = "engine-"
STATE = "state.json"
"""Name of the file without which a folder is never taken up again."""
_LOCK = "alive.lock"


@dataclass(frozen=True, slots=True)
class Scratch:
    """A private folder (0700) that lives as long as a run and its totals.

    Attributes:
        path: The folder.
    """

    path: Path
    _lock: FileLock = field(repr=False)

    @classmethod
    def begin(cls, work: Path, *, sweeping: bool = True) -> Scratch:
        """Make a folder inside ``work``; with ``sweeping``, remove what dead runs left there."""
        work.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sweeping:
            sweep(work)
        begun = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=work.resolve()))
        lock = _lock(begun)
        lock.acquire(timeout=0)
        # Only a locked folder gets the name that ``left_behind`` looks for.
        return cls(begun.rename(begun.with_name(begun.name.removeprefix("."))), lock)

    def folder(self, name: str) -> Path:
        """Return a subfolder (0700), made if need be."""
        path = self.path / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def remove(self) -> None:
        """Remove the folder and all in it; a second call does nothing."""
        # First, and while the lock is held: nobody takes up what is being removed.
        with suppress(FileNotFoundError):
            (self.path / STATE).unlink()
        self._lock.release()
        shutil.rmtree(self.path, ignore_errors=True)

    def leave(self) -> None:
        """Let go of the folder and leave it as it is."""
        self._lock.release()


def left_behind(work: Path) -> Iterator[Scratch]:
    """Yield the folders of runs that are no longer alive, each locked: remove or leave them."""
    for left in sorted(work.glob(f"{PREFIX}*")):
        lock = _lock(left)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            continue
        yield Scratch(left.resolve(), lock)


def dead(work: Path) -> list[Path]:
    """Return the folders of runs that are no longer alive; each may hold raw records."""
    found = []
    for left in left_behind(work):
        left.leave()
        found.append(left.path)
    return found


def sweep(work: Path) -> int:
    """Remove the folders of runs that are no longer alive; return how many there were."""
    removed = 0
    for left in left_behind(work):
        left.remove()
        removed += 1
    return removed


def _lock(folder: Path) -> FileLock:
    return FileLock(folder / _LOCK, mode=0o600)


@contextmanager
def private_files() -> Iterator[None]:
    """Let every file made inside be readable by its owner alone (umask 077)."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
