"""Files that survive a power cut and that nobody else can read."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from pathlib import Path

from dp.errors import DiskFull, LedgerFault

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def unwritten(error: OSError, what: str, means: str = "") -> LedgerFault:
    """Return the error for a write that failed: what could not be written, and what that means."""
    text = f"{what}: {error.strerror or 'the write failed'}. {means}".rstrip()
    if error.errno in _FULL:
        return DiskFull(f"{text} Free some space there and run the same command again")
    return LedgerFault(text.removesuffix("."))


def sync(fd: int) -> None:
    """Return once what was written to ``fd`` is on the disk itself."""
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is None:
        os.fsync(fd)
    else:  # fsync on macOS stops at the drive's cache
        fcntl.fcntl(fd, full)


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder are on the disk itself."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def private_folder(folder: Path) -> Path:
    """Return the folder; where it is new its mode is 0700 and every new name above it is synced."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        folder.chmod(PRIVATE_FOLDER)
        sync_folder(folder.parent)
    return folder


def _make(folder: Path) -> None:
    """Make a folder and what is missing above it; a name that is not synced hides all below it."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def touch_private(path: Path) -> None:
    """Create an empty file of mode 0600 whatever the umask; FileExistsError where it exists."""
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE)
    try:
        os.fchmod(fd, PRIVATE_FILE)
    finally:
        os.close(fd)


def part_of(path: Path) -> Path:
    """Return the name that a file has while it is written: all that a crash leaves of it."""
    return path.with_name(f".{path.name}.part")


def write_private(path: Path, payload: bytes) -> None:
    """Write a file of mode 0600 in one step: after a crash it is whole or absent.

    File and folder are on the disk when this returns.
    """
    part = part_of(path)
    part.unlink(missing_ok=True)
    touch_private(part)
    with part.open("wb") as file:
        file.write(payload)
        file.flush()
        sync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def shared_mode(path: Path) -> str | None:
    """Return the mode of a path that others may read or write, such as "0644", or else None."""
    mode = path.stat().st_mode & 0o777
    return f"{mode:04o}" if mode & 0o077 else None


def refuse_shared(path: Path) -> None:
    """Raise LedgerFault where others may read or write the path."""
    mode = shared_mode(path)
    if mode:
        right = "700" if path.is_dir() else "600"
        raise LedgerFault(
            f"{path} is open to others (mode {mode}) and holds the series' secrets. "
            f"Run: chmod {right} {path}"
        )
