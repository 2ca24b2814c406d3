"""A standalone Spark master with workers, on loopback, started and ended by a test."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_WAIT_S = 90
_HOME = "127.0.0.1"


@dataclass
class Cluster:
    """Processes that this test started, and nothing else."""

    master: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)

    def busy(self, at: int) -> bool:
        """Whether a worker's executor holds records: kept ones or moved ones."""
        return any(self.folders[at].rglob("rdd_*")) or any(self.folders[at].rglob("shuffle_*.data"))

    def kill(self, at: int) -> None:
        """Kill one worker of ours and its executor, without a word of warning."""
        os.killpg(self.workers[at].pid, 9)
        self.workers[at].wait()


@contextmanager
def standalone(folder: Path, *, workers: int, memory_mb: int) -> Iterator[Cluster]:
    """Yield a running cluster; all its processes end with the block."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        master = _start(started, folder, "master.Master", "--host", _HOME, "--port", "0")
        url = _said(folder / "0.log", r"Starting Spark master at (spark://\S+)", master)
        _said(folder / "0.log", r"I have been elected leader", master)
        cluster = Cluster(url)
        for at in range(workers):
            local = folder / f"local{at}"
            options = ["--host", _HOME, "--cores", "1", "--memory", f"{memory_mb}m"]
            options += ["--work-dir", str(folder / f"work{at}"), url]
            worker = _start(started, folder, "worker.Worker", *options, local=local)
            _said(folder / f"{at + 1}.log", r"Successfully registered with master", worker)
            cluster.workers.append(worker)
            cluster.folders.append(local)
        yield cluster
    finally:
        for process in started:
            _end(process)


def _start(
    started: list[Any], folder: Path, name: str, *options: str, local: Path | None = None
) -> subprocess.Popen[bytes]:
    import pyspark

    home = Path(pyspark.__file__).parent
    (local or folder).mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_SCALA_VERSION": "2.13",
        "SPARK_LOCAL_DIRS": str(local or folder),
        "SPARK_LOCAL_IP": _HOME,
    }
    with (folder / f"{len(started)}.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *("java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{home}/jars/*"),
                f"org.apache.spark.deploy.{name}",
                *("--webui-port", "0", *options),
            ],
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    started.append(process)
    return process


def _said(log: Path, pattern: str, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + _WAIT_S
    while time.monotonic() < until:
        found = re.search(pattern, log.read_text(errors="replace"))
        if found:
            return found[found.re.groups]
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        time.sleep(0.1)
    raise TimeoutError(log.read_text(errors="replace")[-2000:])


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, 15)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
