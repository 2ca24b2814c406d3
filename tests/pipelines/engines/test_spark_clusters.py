"""Spark on real processes: this machine, a local cluster, a standalone master; a worker dies."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engine_desk import at, job, place, read, real_tables, run, source, world
from spark_cluster import Cluster, standalone

from pipelines.engines.contract import Job, Resources
from pipelines.engines.spark import session
from pipelines.engines.spark.engine import SparkEngine
from pipelines.errors import ResourceError, SourceError
from pipelines.progress import Silent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("pyspark") is None or shutil.which("java") is None,
        reason="Spark needs pyspark and Java: pip install -e '.[spark]', and a JDK 17",
    ),
]
ROWS, PEOPLE = 6_000, 150
TABLES = ("visits", "sampled")


@pytest.fixture(autouse=True)
def _quick_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1")


@pytest.fixture
def todo(tmp_path: Path) -> Job:
    rng = random.Random(11)
    first = at("02 04:00").timestamp()
    rows = []
    for _ in range(ROWS):
        person, second = rng.randrange(PEOPLE), rng.randrange(3 * 86_400)
        zone = person % 9 if second % 86_400 < 40_000 else rng.randrange(-1, 9)
        rows.append((f"p-{person} ü", round((first + second) * 1e6), *place(zone)))
    who, times, lats, lons = zip(*rows, strict=True)
    stamps = pa.array(times).cast(pa.timestamp("us", tz="UTC"))
    table = pa.table({"who": who, "ts": stamps, "lat": lats, "lon": lons})
    for i in range(4):
        pq.write_table(table.slice(i * ROWS // 4, ROWS // 4), tmp_path / f"{i}.parquet")
    real = real_tables(world())
    real["statements"] = {name: real["statements"][name] for name in TABLES}
    given = source(tmp_path / "*.parquet", kind="pings", lat="lat", lon="lon")
    return job(tmp_path / "w", given, **real)


def _on(todo: Job, master: str, progress: Any = None) -> dict[str, Counter[tuple[int, int]]]:
    limits = Resources(memory_mb=512, master=master)
    changes = {"statements": todo.statements, "needs": todo.needs, "resources": limits}
    again = job(todo.work, *todo.sources, **changes)
    totals = SparkEngine(partition_rows=1_500).run(again, progress or Silent())
    try:
        return read(totals)
    finally:
        totals.close()


def _children() -> list[str]:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if "org.apache.spark" in line]


def test_this_machine_gives_the_same_and_keeps_nothing(
    todo: Job, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert _on(todo, "local[2]") == run(todo)
    assert [path.name for path in todo.work.iterdir()] == ["diagnostics.json"]
    assert not [line for line in _children() if str(todo.work) in line]
    assert not list(Path.cwd().iterdir())
    assert capfd.readouterr() == ("", ""), "Java may quote records: it prints to a private file"


def test_a_local_cluster_gives_the_same(todo: Job) -> None:
    import pyspark

    logs = Path(pyspark.__file__).parent / "work"
    before = set(logs.glob("*"))
    try:
        assert _on(todo, "local-cluster[2,1,1024]") == run(todo)
    finally:
        for left in set(logs.glob("*")) - before:
            shutil.rmtree(left)


class _Killer:
    """Kills a worker when records are staged on all of them, before any table is counted."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.held = False
        self.killed = False

    def at(self, step: str, fraction: float) -> None:
        if step.startswith("Counting") and fraction > 0 and not self.killed:
            self.held = self.cluster.busy(0)
            self.killed = True
            self.cluster.kill(0)


def test_a_standalone_master_gives_the_same_even_when_a_worker_is_killed(
    todo: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = run(todo)
    (tmp_path / "c").mkdir()
    with standalone(tmp_path / "c", workers=2, memory_mb=600) as cluster:
        assert _on(todo, cluster.master) == wanted
        killer = _Killer(cluster)
        assert _on(todo, cluster.master, killer) == wanted
        assert killer.killed
        assert killer.held, "the worker held nothing: its death would prove nothing"
        monkeypatch.setattr(session, "EXECUTOR_S", 2.0)
        cluster.kill(1)
        with pytest.raises(ResourceError, match="gave no executor"):
            _on(todo, cluster.master)
    assert [path.name for path in todo.work.iterdir()] == ["diagnostics.json"]


def test_a_damaged_file_is_named_and_nothing_quoted(todo: Job, tmp_path: Path) -> None:
    file = tmp_path / "1.parquet"
    raw = bytearray(file.read_bytes())
    page = pq.read_metadata(file).row_group(0).column(0).dictionary_page_offset
    raw[page : page + 400] = b"\xa5" * 400
    file.write_bytes(raw)
    with pytest.raises(SourceError, match=r"sources\[0\]: .*1\.parquet cannot be read") as caught:
        _on(todo, "local[2]")
    assert caught.value.__cause__ is None
    assert "p-" not in str(caught.value).replace(str(tmp_path), "")
    assert not list(todo.work.iterdir())
