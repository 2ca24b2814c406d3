"""Every engine in turn, for one body of tests. A new engine is one line in ``ENGINES``."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pipelines.engines.contract import Engine, Resources
from pipelines.engines.scratch import Scratch

TESTS = Path(__file__).parents[3]
for folder in ("traces", "tables", "engines"):
    sys.path.append(str(TESTS / "pipelines" / folder))
sys.path.append(str(TESTS / "laws"))
sys.path.append(str(Path(__file__).parent))

_LIMITS = Resources(memory_mb=1024, threads=2)


def _duckdb(_shared: Any) -> Engine:
    from pipelines.engines.duckdb.engine import DuckDBEngine

    return DuckDBEngine()


def _spark(shared: Any) -> Engine:
    from pipelines.engines.spark.engine import SparkEngine

    return SparkEngine(partition_rows=3_000, sessions=shared())


ENGINES = {
    "duckdb": _duckdb,
    "spark": _spark,
}


@pytest.fixture(params=[*ENGINES])
def engine(request: pytest.FixtureRequest) -> Engine:
    def shared() -> Any:
        return request.getfixturevalue("one_spark")

    return ENGINES[request.param](shared)


@pytest.fixture(scope="module")
def one_spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One Java process for a file of tests; it ends with them, for one process holds one Spark."""
    if find_spec("pyspark") is None or shutil.which("java") is None:
        pytest.skip("Spark needs pyspark and Java: pip install -e '.[spark]', and a JDK 17")
    scratch = Scratch.begin(tmp_path_factory.mktemp("spark"))
    # Small jobs spend their time in the compiler; half a compiler is quicker.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1")
        yield from _sessions(scratch)
    scratch.remove()


def _sessions(scratch: Scratch) -> Iterator[Any]:
    from pipelines.engines.spark.session import session

    with session(_LIMITS, scratch, partitions=3) as spark:

        @contextmanager
        def again(_resources: Resources, _scratch: Scratch, *, partitions: int) -> Iterator[Any]:
            own = spark.newSession()
            own.conf.set("spark.sql.shuffle.partitions", str(partitions))
            try:
                yield own
            finally:
                own.catalog.clearCache()

        yield again
