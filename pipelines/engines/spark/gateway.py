"""The Java process of one run: started with the run's own settings, ended with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from pipelines.engines.scratch import Scratch
from pipelines.errors import ResourceError

_LOG = "spark.log"
_END_S = 20.0


@contextmanager
def gateway(conf: Any, scratch: Scratch, *, loopback: bool) -> Iterator[Any]:
    """Yield a gateway to a Java process of this run alone; end the process in any case.

    All that Java prints goes to a private file: it may quote records. Its temporary files stay in
    the scratch folder.

    Args:
        conf: A ``SparkConf``; it takes effect when the process starts.
        scratch: The run's private folder.
        loopback: Whether to bind to 127.0.0.1 alone.

    Raises:
        ResourceError: Spark runs in this process already, or Java does not start.
    """
    from pyspark import SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway

    context: Any = SparkContext
    if context._active_spark_context is not None:  # noqa: SLF001  Spark has no public question
        raise ResourceError(
            "engine: a Spark session runs in this process already. Stop it first, or release from "
            "a process of its own; nothing was charged."
        )
    before, context._gateway, context._jvm = (context._gateway, context._jvm), None, None  # noqa: SLF001
    with (scratch.path / _LOG).open("ab") as log:
        try:
            with _environment(_variables(scratch, loopback=loopback)), _signals():
                try:
                    opened = launch_gateway(conf, {"stdout": log, "stderr": log})
                except PySparkException:
                    raise ResourceError(
                        "engine: Java does not start. Spark needs Java 17 or later, and memory_mb "
                        "under [engine] must fit the machine; nothing was charged."
                    ) from None
                try:
                    yield opened
                finally:
                    _end(opened)
        finally:
            context._gateway, context._jvm = before  # noqa: SLF001


def said(scratch: Scratch) -> str:
    """Return what Java has printed so far. Private."""
    log = scratch.path / _LOG
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""


def _variables(scratch: Scratch, *, loopback: bool) -> dict[str, str]:
    folder = scratch.folder("java")
    options = f'"-Djava.io.tmpdir={folder}" -XX:-UsePerfData'
    given = os.environ.get("SPARK_SUBMIT_OPTS", "")
    found = {"SPARK_SUBMIT_OPTS": f"{given} {options}".strip()}
    if loopback:
        # Its workers run on this machine: with this Python, which has what functions need.
        python = os.environ.get("PYSPARK_PYTHON", sys.executable)
        found |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": python}
    return found


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _signals() -> Iterator[None]:
    """Give the keyboard's interrupt back: Spark takes it for itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(opened: Any) -> None:
    """End the process: its standard input closes, and at last by force."""
    process: subprocess.Popen[bytes] = opened.proc
    with suppress(Exception):
        opened.shutdown()
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
