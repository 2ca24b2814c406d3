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
_WHOLE_PERCENT = 100


class Progress(Protocol):
    """Hears how far a piece of work is."""

    def at(self, step: str, fraction: float) -> None:
        """Report that ``step`` (public words) is done to ``fraction`` in [0, 1]."""
        ...

    def note(self, text: str) -> None:
        """Say one sentence of public words to who runs the program."""
        ...


class Silent:
    """A progress that shows nothing."""

    def at(self, step: str, fraction: float) -> None:
        """Ignore the report."""

    def note(self, text: str) -> None:
        """Ignore the sentence."""


class _Bar:
    def __init__(self, bar: RichProgress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=1.0)

    def at(self, step: str, fraction: float) -> None:
        self._bar.update(self._task, description=step, completed=fraction)

    def note(self, text: str) -> None:
        self._bar.console.print(text, soft_wrap=True, markup=False)


class _Lines:
    """Prints every tenth percent of every step: how the work came in pieces tells of the data."""

    def __init__(self) -> None:
        self._step = ""
        self._next = 0

    def at(self, step: str, fraction: float) -> None:
        if step != self._step:
            if self._step:
                self._until(_WHOLE_PERCENT)
            self._step, self._next = step, 0
        self._until(int(fraction * _WHOLE_PERCENT))

    def note(self, text: str) -> None:
        sys.stderr.write(f"{text}\n")

    def _until(self, percent: int) -> None:
        while self._next <= percent:
            sys.stderr.write(f"{self._step}: {self._next}%\n")
            self._next += _STEP_PERCENT


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
