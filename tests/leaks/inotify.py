"""Names that appear in a folder while something runs, however short they stay (Linux)."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CREATED, _MOVED_IN = 0x100, 0x80
_HEAD = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def appearing(*folders: Path) -> Iterator[set[str]]:
    """Yield a set that holds, after the block, every name that appeared in the folders."""
    found: set[str] = set()
    handle = _libc.inotify_init1(os.O_NONBLOCK)
    try:
        for folder in folders:
            assert _libc.inotify_add_watch(handle, bytes(folder), _CREATED | _MOVED_IN) > 0
        yield found
        found.update(_names(handle))
    finally:
        os.close(handle)


def _names(handle: int) -> Iterator[str]:
    while True:
        try:
            raw = os.read(handle, 1 << 20)
        except BlockingIOError:
            return
        at = 0
        while at < len(raw):
            _, _, _, length = _HEAD.unpack_from(raw, at)
            name = raw[at + _HEAD.size : at + _HEAD.size + length]
            yield name.rstrip(b"\0").decode()
            at += _HEAD.size + length
