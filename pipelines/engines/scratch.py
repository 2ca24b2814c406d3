"""The private folder of one run: everything an engine writes is in it, and it goes at the end.

A killed process cannot clean up. Each folder therefore holds a lock while its process lives, and
the next run removes the folders whose lock is free: raw records never outlive a crash for long.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = "engine-"
_LOCK = "alive.lock"


class Scratch:
    """A private folder (0700) that lives as long as a run and its totals."""

    def __init__(self, work: Path) -> None:
        """Make the folder inside ``work`` and remove what dead runs left there."""
        work.mkdir(mode=0o700, parents=True, exist_ok=True)
        sweep(work)
        begun = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=work.resolve()))
        self._lock = FileLock(begun / _LOCK, mode=0o600)
        self._lock.acquire(timeout=0)
        # Only a locked folder gets the name that sweep looks for.
        self.path = begun.rename(begun.with_name(begun.name.removeprefix(".")))

    def folder(self, name: str) -> Path:
        """Return a subfolder (0700), made if need be."""
        path = self.path / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def remove(self) -> None:
        """Remove the folder and all in it; a second call does nothing."""
        self._lock.release()
        shutil.rmtree(self.path, ignore_errors=True)


def sweep(work: Path) -> None:
    """Remove the folders of runs that are no longer alive."""
    for left in work.glob(f"{PREFIX}*"):
        lock = FileLock(left / _LOCK, mode=0o600)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            continue
        lock.release()
        shutil.rmtree(left, ignore_errors=True)


@contextmanager
def private_files() -> Iterator[None]:
    """Let every file made inside be readable by its owner alone (umask 077)."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
