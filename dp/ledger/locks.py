"""Locks between processes. The system frees them when their process ends, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from dp.errors import LedgerBusy
from dp.ledger.disk import PRIVATE_FILE, unwritten

_POLL_S = 0.005


class Lock:
    """One lock file: held by one process at a time, or LedgerBusy after a wait."""

    def __init__(self, path: Path, *, wait_s: float, busy: str) -> None:
        self.path = path
        self._wait_s = wait_s
        self._busy = busy
        self._lock = FileLock(path, mode=PRIVATE_FILE)

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._lock.is_locked

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold the lock for the length of a with block.

        Raises:
            LedgerBusy: when another process still holds it after the wait.
        """
        try:
            self._lock.acquire(timeout=self._wait_s, poll_interval=_POLL_S)
        except Timeout:
            raise LedgerBusy(self._busy) from None
        except OSError as error:
            raise unwritten(error, f"{self.path} cannot be locked") from error
        try:
            yield
        finally:
            self._lock.release()
