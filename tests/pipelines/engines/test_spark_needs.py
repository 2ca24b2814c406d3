"""What is told before Spark starts, and how statements become Spark's. No Java needed."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from engine_desk import job, pings

from pipelines.engines.contract import Resources
from pipelines.engines.spark import needs
from pipelines.engines.spark.dialect import to_spark
from pipelines.engines.spark.engine import SparkEngine
from pipelines.engines.spark.faults import known_error
from pipelines.errors import EngineError, ResourceError
from pipelines.progress import Silent

pytest.importorskip("pyspark", reason="Spark needs pyspark: pip install -e '.[spark]'")


def _run(tmp_path: Path, master: str | None = None) -> None:
    given = pings(tmp_path / "a.parquet", [(1, "02 10:00", 0)])
    resources = Resources(memory_mb=512, master=master)
    SparkEngine().run(job(tmp_path / "w", given, resources=resources), Silent())


def test_a_missing_package_is_told_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needs, "find_spec", lambda _name: None)
    with pytest.raises(ResourceError, match=r"murmuration-mobility\[spark\]"):
        _run(tmp_path)


def test_missing_java_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ResourceError, match="needs Java 17"):
        _run(tmp_path)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ResourceError, match="needs Java 17"):
        _run(tmp_path)


@pytest.mark.parametrize(
    "master", ["spark://127.0.0.1:{port}", "spark://no-such-host.invalid:7077"]
)
def test_a_master_that_does_not_answer_is_told_at_once(
    tmp_path: Path, master: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needs, "_has_java", lambda: True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    begun = time.monotonic()
    with pytest.raises(ResourceError, match="does not answer") as caught:
        _run(tmp_path, master.format(port=port))
    assert time.monotonic() - begun < 10
    assert caught.value.exit_code == 6
    assert not (tmp_path / "w").exists()


def test_functions_of_duckdb_alone_get_sparks_form() -> None:
    sql = (
        "SELECT EPOCH_US(a), EPOCH_NS(b) FROM t WHERE a < MAKE_TIMESTAMP(7) OR a < TO_TIMESTAMP(8)"
    )
    assert to_spark(sql) == (
        "SELECT UNIX_MICROS(CAST(`a` AS TIMESTAMP)), `b` FROM `t` "
        "WHERE `a` < CAST(TIMESTAMP_MICROS(7) AS TIMESTAMP_NTZ) OR `a` < TIMESTAMP_SECONDS(8)"
    )


@pytest.mark.parametrize("call", ["HASH(a)", "hash(a, b)", "READ_BLOB(a)"])
def test_a_function_that_spark_may_lack_or_read_otherwise_is_refused(call: str) -> None:
    with pytest.raises(EngineError, match="not known in Spark"):
        to_spark(f"SELECT {call} FROM t")


def test_every_with_becomes_a_subquery_where_it_is_read() -> None:
    sql = (
        "WITH a AS (SELECT x FROM t), b AS (WITH q AS (SELECT x FROM a) SELECT x FROM q AS w) "
        "SELECT b.x FROM b JOIN a AS c ON b.x = c.x"
    )
    assert to_spark(sql) == (
        "SELECT `b`.`x` FROM (SELECT `x` FROM (SELECT `x` FROM (SELECT `x` FROM `t`) AS `a`) "
        "AS `w`) AS `b` JOIN (SELECT `x` FROM `t`) AS `c` ON `b`.`x` = `c`.`x`"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("java.lang.OutOfMemoryError: Java heap space", "memory_mb"),
        ("java.io.IOException: No space left on device", "disk"),
        ("Job aborted due to stage failure: ExecutorLostFailure (executor 1)", "lost a process"),
        ("All masters are unresponsive! Giving up.", "master"),
    ],
)
def test_faults_that_a_user_can_mend_are_told_apart(text: str, said: str) -> None:
    found = known_error(RuntimeError(text), "", resources=Resources(), sources=())
    assert isinstance(found, ResourceError)
    assert said in str(found)


def test_other_faults_are_not_blamed_on_resources() -> None:
    found = known_error(RuntimeError("no such column"), "", resources=Resources(), sources=())
    assert found is None
