"""A disk that forgets at a power cut whatever was not synced: a model of it, watched from outside.

What survives for certain is, for each file, its bytes when it was last synced, and for each folder,
the names in it when the folder was last synced. Everything else may or may not survive. SQLite's
own commits are taken as synced when they return (a test of the ledger holds its PRAGMAs).
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from dp.ledger.file import LedgerFile

Fate = Literal["lost", "empty", "half"]
FATES: tuple[Fate, ...] = ("lost", "empty", "half")
"""What is not synced goes whole, or its names stay without a byte, or with half the bytes."""

Image = dict[str, tuple[int, bytes | None]]
"""Modes and bytes by path; None for a folder."""


@dataclass
class Disk:
    """What of a folder is certain to survive, as a program syncs it piece by piece.

    Attributes:
        root: The folder. What is in it at the start is safe.
        moment: Called where a power cut would find another state than before.
    """

    root: Path
    moment: Callable[[], None] = lambda: None
    _bytes: dict[int, bytes] = field(default_factory=dict)
    _names: dict[int, dict[str, int]] = field(default_factory=dict)
    _held: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder, _, files in os.walk(self.root):
            self.synced(Path(folder))
            for name in files:
                self.synced(Path(folder, name))

    def synced(self, path: Path) -> None:
        """Note that a file's bytes, or a folder's names, are on the disk now."""
        inode = self._inode(path)
        if path.is_dir():
            self._names[inode] = self._listed(path)
        else:
            self._bytes[inode] = path.read_bytes()

    def after_a_cut(self, fate: Fate) -> Image:
        """Return what a power cut at this moment would leave, if what is unsynced has that fate."""
        image: Image = {}
        self._look(self.root, ".", fate, self._at(self.root), image)
        return image

    def close(self) -> None:
        """Let go of the files that were held so that no inode number is given out twice."""
        for handle in self._held.values():
            os.close(handle)

    def _look(
        self, folder: Path, name: str, fate: Fate, places: Mapping[int, Path], image: Image
    ) -> None:
        image[name] = stat.S_IMODE(folder.stat().st_mode), None
        safe = self._names.get(self._inode(folder), {})
        for inner, inode in (safe if fate == "lost" else self._listed(folder)).items():
            place = places.get(inode)
            if place is not None and place.is_dir():
                self._look(place, f"{name}/{inner}", fate, places, image)
            elif place is not None or inode in self._bytes:
                image[f"{name}/{inner}"] = self._file(inode, place, fate)

    def _file(self, inode: int, place: Path | None, fate: Fate) -> tuple[int, bytes]:
        safe = self._bytes.get(inode, b"")
        if place is None:
            return 0o600, safe
        mode, now = stat.S_IMODE(place.stat().st_mode), place.read_bytes()
        if now == safe or fate == "lost":
            return mode, safe
        kept = len(safe) if now.startswith(safe) else 0
        return mode, now[: kept + ((len(now) - kept) // 2 if fate == "half" else 0)]

    def _at(self, root: Path) -> dict[int, Path]:
        found = {self._inode(root): root}
        for folder, folders, files in os.walk(root):
            for name in (*folders, *files):
                found[self._inode(Path(folder, name))] = Path(folder, name)
        return found

    def _listed(self, folder: Path) -> dict[str, int]:
        return {one.name: self._inode(folder / one.name) for one in folder.iterdir()}

    def _inode(self, path: Path) -> int:
        inode = path.stat().st_ino
        if inode not in self._held:
            self._held[inode] = os.open(path, os.O_PATH)
        return inode


def restored(image: Image, target: Path) -> Path:
    """Write an image to a folder."""
    for name, (mode, raw) in image.items():
        if raw is None:
            (target / name).mkdir(parents=True)
        else:
            (target / name).write_bytes(raw)
        (target / name).chmod(mode)
    return target


@contextmanager
def watched(disk: Disk, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the program inside sync to ``disk``, which sees a moment before each sync and change."""

    def fsync(handle: int) -> None:
        disk.moment()
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if path.is_relative_to(disk.root) and path.exists():
            disk.synced(path)

    def before(real: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*args: Any, **more: Any) -> Any:
            disk.moment()
            return real(*args, **more)

        return changed

    def append(file: LedgerFile, entry: Any) -> None:
        disk.moment()
        commit(file, entry)
        disk.synced(file.path)

    commit = LedgerFile.append
    patch.setattr(os, "fsync", fsync)
    patch.setattr(LedgerFile, "append", append)
    for owner, name in ((Path, "rename"), (Path, "replace"), (Path, "mkdir"), (shutil, "rmtree")):
        patch.setattr(owner, name, before(getattr(owner, name)))
    yield
    disk.moment()
