"""Run the command line with one folder on a small or read-only disk of its own, then put it back.

Run: python small_disk.py FOLDER SIZE COMMAND... ; SIZE in bytes is what is left free, "read-only"
leaves nothing writable. Exit code 99: this machine allows no mounts. The command runs in the
folder CITY; draws are counted in CITY/../draws before their noise is used.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from dp.mechanisms import Mechanism
from pipelines.cli.app import main

CANNOT = 99
_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_READ_ONLY, _REMOUNT, _PRIVATE = 1, 32, 0x44000
_PAGE = 4096
_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: Path, *, kind: str, flags: int = 0, data: str = "") -> None:
    done = _libc.mount(source.encode(), bytes(target), kind.encode(), flags, data.encode())
    if done != 0:
        sys.exit(CANNOT)


def apart() -> None:
    """Leave the mounts of other processes alone."""
    ids = os.getuid(), os.getgid()
    if _libc.unshare(_NEWNS if ids[0] == 0 else _NEWNS | _NEWUSER) != 0:
        sys.exit(CANNOT)
    if ids[0] != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {ids[0]} 1")
        Path("/proc/self/gid_map").write_text(f"0 {ids[1]} 1")
    mount("none", Path("/"), kind="none", flags=_PRIVATE)


def used(folder: Path) -> int:
    """Return what the files of a folder take on a disk of pages."""
    sizes = (path.lstat().st_size for path in folder.rglob("*"))
    return sum(_PAGE * (1 + size // _PAGE) for size in sizes)


def run(folder: Path, size: str, words: list[str]) -> int:
    """Run a command with the folder on its own disk; return the exit code."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as held:
        kept = Path(held) / "kept"
        shutil.copytree(folder, kept)
        free = 1 << 24 if size == "read-only" else int(size)
        mount("none", folder, kind="tmpfs", data=f"mode=755,size={used(kept) + free}")
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        if size == "read-only":
            mount("none", folder, kind="tmpfs", flags=_READ_ONLY | _REMOUNT)
        child = os.fork()
        if child == 0:
            command(words)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        shutil.copytree(folder, Path(held) / "after")
        _libc.umount2(bytes(folder), 2)
        shutil.rmtree(folder)
        shutil.copytree(Path(held) / "after", folder)
    return code


def command(words: list[str]) -> None:
    city, real = Path(os.environ["CITY"]), Mechanism.draw

    def drawn(*args: Any, **more: Any) -> Any:
        with (city.parent / "draws").open("ab") as file:
            file.write(b".")
        return real(*args, **more)

    Mechanism.draw = drawn  # type: ignore[method-assign]
    os.chdir(city)
    sys.argv = ["murmuration", *words]
    try:
        main()
    except SystemExit as ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(ended.code or 0))
    os._exit(0)


if __name__ == "__main__":
    apart()
    sys.exit(run(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
