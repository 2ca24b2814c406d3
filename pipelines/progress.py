"""Progress of long work. Off a terminal it is a percentage only: counts are private."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEP_PERCENT = 10


class Progress(Protocol):
    """Hears how far a piece of work is."""

    def at(self, step: str, fraction: float) -> None:
        """Report that ``step`` (public words) is done to ``fraction`` in [0, 1]."""
        ...


class Silent:
    """A progress that shows nothing."""

    def at(self, step: str, fraction: float) -> None:
        """Ignore the report."""


class _Bar:
    def __init__(self, bar: RichProgress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=1.0)

    def at(self, step: str, fraction: float) -> None:
        self._bar.update(self._task, description=step, completed=fraction)


class _Lines:
    def __init__(self) -> None:
        self._last: tuple[str, int] = ("", -1)

    def at(self, step: str, fraction: float) -> None:
        percent = int(fraction * 100) // _STEP_PERCENT * _STEP_PERCENT
        if (step, percent) != self._last:
            self._last = (step, percent)
            sys.stderr.write(f"{step}: {percent}%\n")


@contextmanager
def shown() -> Iterator[Progress]:
    """Yield a bar on a terminal, plain percentages elsewhere; both on standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with RichProgress(*columns, console=console, transient=True) as bar:
        yield _Bar(bar)
