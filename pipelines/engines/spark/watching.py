"""Progress of Spark's running stages, asked for while they run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pipelines.progress import Progress

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_EVERY_S = 0.5


@contextmanager
def watched(spark: SparkSession, progress: Progress, step: str) -> Iterator[None]:
    """Report the finished part of the tasks that are known so far, as a fraction of ``step``."""
    done = threading.Event()
    tracker = spark.sparkContext.statusTracker()

    def ask() -> None:
        furthest = 0.0
        while not done.wait(_EVERY_S):
            with suppress(Exception):  # the work itself says what went wrong
                stages = [tracker.getStageInfo(at) for at in tracker.getActiveStageIds()]
                known = [stage for stage in stages if stage is not None]
                tasks = sum(stage.numTasks for stage in known)
                finished = sum(stage.numCompletedTasks for stage in known)
                furthest = max(furthest, finished / tasks if tasks else 0.0)
            progress.at(step, furthest)

    asking = threading.Thread(target=ask, daemon=True)
    progress.at(step, 0.0)
    asking.start()
    try:
        yield
    finally:
        done.set()
        asking.join()
    progress.at(step, 1.0)
