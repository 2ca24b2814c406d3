"""Staging and publishing: a release folder appears whole or not at all.

A folder is written under a hidden name beside its final place, readable by its owner alone. Every
file is synced, then the folder is renamed in one step. A published folder is for readers: folders
0755, files 0644, whatever the umask.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRIVATE = 0o700
READABLE_FOLDER = 0o755
READABLE_FILE = 0o644
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def staging_of(final: Path, *, owner: str) -> Path:
    """Return where a folder is staged: hidden, beside its place, told apart by its ledger's id."""
    return final.parent / f".{final.name}.{owner[:12]}.staging"


@contextmanager
def staged(final: Path, *, owner: str) -> Iterator[Path]:
    """Yield an empty private folder that becomes ``final`` when the block ends well.

    What an earlier process of the same ledger left there is removed first: the ledger's lock is
    held, so no other process writes it. On an error the staged folder is removed.

    Raises:
        ResourceError: the disk is full.
    """
    staging = staging_of(final, owner=owner)
    shutil.rmtree(staging, ignore_errors=True)
    try:
        staging.mkdir(mode=PRIVATE, parents=False)
        staging.chmod(PRIVATE)
        yield staging
        publish(staging, final)
    except OSError as fault:
        shutil.rmtree(staging, ignore_errors=True)
        if fault.errno in _FULL:
            raise ResourceError(
                f"{final.parent}: the disk is full. What was measured is safe in the ledger's"
                " store: free some space and run the same command again"
            ) from fault
        raise
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def publish(staging: Path, final: Path) -> None:
    """Sync every file of ``staging``, make it readable and rename it to ``final`` in one step."""
    for folder, _, names in os.walk(staging, topdown=False):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118 - os.walk speaks text
            os.chmod(path, READABLE_FILE)  # noqa: PTH101
            sync(path)
        if folder != str(staging):
            os.chmod(folder, READABLE_FOLDER)  # noqa: PTH101
        sync(folder)
    staging.chmod(READABLE_FOLDER)
    staging.rename(final)
    sync(final.parent)


def sync(path: Path | str) -> None:
    """Return when a file or a folder's entries are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def public_folder(path: Path) -> Path:
    """Make a folder for releases (and what is missing above it), each name synced; return it.

    Raises:
        ResourceError: it cannot be made, or nothing can be written in it.
    """
    try:
        _made(path)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "it is read-only, or not yours to write")
    except OSError as fault:
        raise _unusable("release.folder", path, str(fault.strerror)) from None
    return path


def private_folder(path: Path) -> Path:
    """Make a folder (and what is missing above it) that only its owner can enter; return it.

    Raises:
        ResourceError: it cannot be made or closed to others, or belongs to another user, who could
            open it again.
    """
    try:
        path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        if path.stat().st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "it belongs to another user")
        path.chmod(PRIVATE)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "it is read-only")
    except OSError as fault:
        raise _unusable("release.work", path, str(fault.strerror)) from None
    return path


def _made(path: Path) -> None:
    if not path.is_dir():
        _made(path.parent)
        path.mkdir(exist_ok=True)
        sync(path.parent)


def _unusable(what: str, path: Path, why: str) -> ResourceError:
    return ResourceError(
        f"{what} = {path} cannot be used: {why}. Mend that, or write another {what} in the spec;"
        " nothing was charged."
    )


def stagings_of(parent: Path, *, owner: str) -> list[Path]:
    """Return what killed runs of one ledger left staged in a folder."""
    return sorted(parent.glob(f".*.{owner[:12]}.staging"))
