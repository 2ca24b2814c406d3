"""Progress of work that can say how far it is, asked for while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipelines.progress import Progress


@contextmanager
def watching(
    progress: Progress, step: str, *, done: Callable[[], float | None], every_s: float
) -> Iterator[None]:
    """Report how far the work inside is, as a fraction of ``step``.

    Args:
        progress: Hears it.
        step: Public words.
        done: Asked from another thread; a fraction up to 1, or None where nothing is known.
        every_s: Seconds between two questions.
    """
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(every_s):
            fraction = done()
            if fraction is not None:
                progress.at(step, fraction)

    asking = threading.Thread(target=ask, daemon=True)
    progress.at(step, 0.0)
    asking.start()
    try:
        yield
    finally:
        ended.set()
        asking.join()
    progress.at(step, 1.0)
