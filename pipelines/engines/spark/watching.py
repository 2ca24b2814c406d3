"""Progress of Spark's running stages, asked for while they run."""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING

from pipelines.engines.watching import watching
from pipelines.progress import Progress

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_EVERY_S = 0.5


def watched(spark: SparkSession, progress: Progress, step: str) -> AbstractContextManager[None]:
    """Report the finished part of the tasks that are known so far, as a fraction of ``step``."""
    tracker = spark.sparkContext.statusTracker()
    furthest = 0.0

    def done() -> float:
        nonlocal furthest
        with suppress(Exception):  # the work itself says what went wrong
            stages = [tracker.getStageInfo(at) for at in tracker.getActiveStageIds()]
            known = [stage for stage in stages if stage is not None]
            tasks = sum(stage.numTasks for stage in known)
            finished = sum(stage.numCompletedTasks for stage in known)
            furthest = max(furthest, finished / tasks if tasks else 0.0)
        return furthest

    return watching(progress, step, done=done, every_s=_EVERY_S)
