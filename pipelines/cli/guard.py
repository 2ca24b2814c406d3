"""What a command does with a fault: one clear line and an exit code, never a traceback.

A traceback can quote private values, so it goes to a private log in the work folder, and nowhere
when that folder is not known. No option and no variable of the environment changes this.
"""

from __future__ import annotations

import errno
import os
import traceback
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any

import typer
from typer.core import TyperGroup

from dp.errors import MurmurationError

INTERRUPTED = 130
_MEMORY = 6
_AGAIN = "and run the same command again"
_DISK = {
    errno.ENOSPC: f"the disk is full. Free some space {_AGAIN}",
    errno.EDQUOT: f"the disk quota is used up. Free some space {_AGAIN}",
    errno.EFBIG: f"files may not become that large here. Raise the limit {_AGAIN}",
    errno.EROFS: f"its disk is read-only. Write to another place {_AGAIN}",
    errno.EACCES: f"permission denied. Give this user the right to it {_AGAIN}",
    errno.EPERM: f"this user may not do that to it. Give the user the right {_AGAIN}",
}
_PROJECT = ("dp.", "pipelines.")
_LOG = "errors.log"
_USAGE: type[Exception] = next(
    kind
    for kind in typer.BadParameter.__mro__
    if issubclass(kind, Exception) and kind.__name__ == "ClickException"
)
_work: ContextVar[Path | None] = ContextVar("work", default=None)


def private_work(folder: Path) -> None:
    """Say which private folder may hold the traceback of an unexpected fault."""
    _work.set(folder)


class Guarded(TyperGroup):
    """The program's commands, with every fault turned into a line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; see the module's words for what happens to its faults."""
        _work.set(None)
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, _USAGE):
            raise
        except MurmurationError as fault:
            _say(str(fault))
            raise typer.Exit(fault.exit_code) from None
        except KeyboardInterrupt:
            _say("interrupted. Run the same command again to go on")
            raise typer.Exit(INTERRUPTED) from None
        except MemoryError:
            _say("memory is too small for this. Lower memory_mb or threads under [engine]")
            raise typer.Exit(_MEMORY) from None
        except BrokenPipeError:
            raise
        except OSError as fault:
            known = _DISK.get(fault.errno or 0)
            _say(f"{fault.filename or 'a file'}: {known}" if known else _unexpected(fault))
            raise typer.Exit(_MEMORY if known else 1) from None
        except Exception as fault:  # noqa: BLE001  the last resort of a command line
            _say(_unexpected(fault))
            raise typer.Exit(1) from None


def _say(text: str) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False)
    for line in text.splitlines():
        console.print(Text.assemble(("error: ", "bold red"), line), soft_wrap=True)


def _unexpected(fault: Exception) -> str:
    """Return a line without any word of the fault's message, which may quote data."""
    kept = _log(fault)
    where = f" Details are in {kept}, which is private." if kept else ""
    return (
        f"the program met a fault of its own: {type(fault).__name__} at {_place(fault)}.{where} "
        "Please report this line, with `murmuration --version`, to the project's issue tracker: "
        "it holds none of your data."
    )


def _place(fault: Exception) -> str:
    """Return the module and line of the project's code in which a fault arose."""
    place = "an unknown place"
    for frame, line in traceback.walk_tb(fault.__traceback__):
        name = _module(frame)
        if name.startswith(_PROJECT):
            place = f"{name}:{line}"
    return place


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _log(fault: Exception) -> Path | None:
    folder = _work.get()
    if folder is None:
        return None
    path = folder / _LOG
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, flags, 0o600), "a", encoding="utf-8") as file:
            file.write("".join(traceback.format_exception(fault)) + "\n")
    except OSError:
        return None
    return path
