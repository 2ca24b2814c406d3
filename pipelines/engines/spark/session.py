"""One Spark session for one run: held to the job's limits, stopped in any case."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from pipelines.engines.contract import Resources
from pipelines.engines.scratch import Scratch
from pipelines.engines.spark.dialect import SETTINGS
from pipelines.engines.spark.gateway import gateway
from pipelines.engines.spark.needs import check_needs, is_local, unreachable
from pipelines.errors import ResourceError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Sessions = Callable[..., AbstractContextManager["SparkSession"]]
"""``(resources, scratch, *, partitions)``: yields the session of one run."""
EXECUTOR_S = 60.0
"""How long to wait for the first executor."""
_STEP_S = 0.1
_LOOPBACK = "127.0.0.1"


def master_of(resources: Resources) -> str:
    """Return the master's URL: the spec's, or all of this machine's allowed threads.

    >>> master_of(Resources(threads=2))
    'local[2]'
    """
    return resources.master or f"local[{resources.threads or '*'}]"


@contextmanager
def session(resources: Resources, scratch: Scratch, *, partitions: int) -> Iterator[SparkSession]:
    """Yield a session of its own; when it ends, so do its executors and its Java process.

    Raises:
        ResourceError: Spark cannot start, the master does not answer, or gives no executor.
    """
    master = master_of(resources)
    check_needs(master)
    loopback = is_local(master)
    with warnings.catch_warnings():
        # Spark warns about versions of pandas, which this engine uses nowhere.
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"pyspark(\.|$)")
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        from pyspark import SparkConf, SparkContext
        from pyspark.sql import SparkSession

        conf = SparkConf().setMaster(master).setAppName("murmuration")
        settings = _settings(resources, scratch, loopback=loopback, partitions=partitions)
        conf.setAll(sorted(settings.items()))
        with gateway(conf, scratch, loopback=loopback) as opened:
            context = _started(lambda: SparkContext(conf=conf, gateway=opened), master)
            try:
                _wait_for_executor(context, master)
                yield SparkSession(context)
            finally:
                with suppress(Exception):  # its Java process may be dead; it ends in any case
                    context.stop()


def _settings(
    resources: Resources, scratch: Scratch, *, loopback: bool, partitions: int
) -> dict[str, str]:
    """Return what must be so; everything else may stand in spark-defaults.conf."""
    memory = f"{resources.memory_mb}m"
    found = {
        **SETTINGS,
        "spark.driver.memory": memory,
        "spark.local.dir": str(scratch.folder("spark")),
        "spark.sql.warehouse.dir": str(scratch.folder("warehouse")),
        "spark.sql.shuffle.partitions": str(partitions),
        # A person's records lie in one partition: joins by date and person move nothing.
        "spark.sql.requireAllClusterKeysForCoPartition": "false",
        # What a page or an event log would show: statements with the secret, and counts.
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.eventLog.enabled": "false",
        # Shuffled and cached records on disk: a key that dies with the run.
        "spark.io.encryption.enabled": "true",
        "spark.rdd.compress": "true",
    }
    if loopback:
        found |= {"spark.driver.bindAddress": _LOOPBACK, "spark.driver.host": _LOOPBACK}
    if not (resources.master or "local").startswith("local["):
        found["spark.executor.memory"] = memory
        found |= {"spark.executor.cores": str(resources.threads)} if resources.threads else {}
    return found


def _started(start: Any, master: str) -> Any:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        return start()
    except (Py4JError, PySparkException, OSError) as fault:
        if "memory" in str(fault):
            raise ResourceError(
                f"engine: Spark does not start on {master} with this memory. Write another "
                "memory_mb under [engine]: at least 512, and no more than a worker has; "
                "nothing was charged."
            ) from None
        raise unreachable(master) from None


def _wait_for_executor(context: Any, master: str) -> None:
    """Wait until work can be done: without an executor Spark would wait for ever."""
    if master.startswith("local") and not master.startswith("local-cluster"):
        return
    tracker = context._jsc.sc().statusTracker()  # noqa: SLF001  the public tracker lacks this
    until = time.monotonic() + EXECUTOR_S
    while len(tracker.getExecutorInfos()) < 2:  # noqa: PLR2004  the driver counts as one
        if time.monotonic() > until:
            raise ResourceError(
                f"engine: the Spark master {master} gave no executor. Ask for less memory_mb or "
                "fewer threads under [engine], or wait until its workers are free; "
                "nothing was charged."
            )
        time.sleep(_STEP_S)
