"""What a machine lacks ends a release in one line: nothing is charged, lost or left behind."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.engines.duckdb import connection, engine

resource = pytest.importorskip("resource", reason="limits of a process need POSIX")
Edit = Callable[..., None]


@pytest.fixture
def ready(city: Path, run: Any, edit: Edit, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A city with a ledger; a fault must leave it as it is."""
    edit("report = true", "report = false")
    run("ledger", "create", "city.ledger", "--policy", "policy.toml")
    before = _state(city, run)
    yield city
    assert _state(city, run) == before
    if request.node.name.startswith("test_too_little_memory"):
        assert "released" in run("release"), "nothing was lost"


def _state(city: Path, run: Any) -> tuple[Any, set[str], list[Path]]:
    """What must not change: what is spent, what work/ holds, what is released."""
    spent = run.json("budget", "city.ledger")
    work = {path.name for path in (city / "work").rglob("*")} - {"diagnostics.json", "errors.log"}
    return spent, work, sorted((city / "releases").glob("*"))


def _one_line(lines: list[str]) -> str:
    said = [line for line in lines if not line.endswith("%")]
    assert len(said) == 1, said
    assert said[0].startswith("error: ")
    return said[0]


@pytest.mark.parametrize("cut", ["half", "empty"])
def test_an_unreadable_file_in_a_glob_is_named(ready: Path, run: Any, cut: str) -> None:
    whole = min((ready / "pings").glob("*.parquet")).read_bytes()
    bad = ready / "pings" / "zz.parquet"
    bad.write_bytes(whole[: len(whole) // 2] if cut == "half" else b"")
    said = _one_line(run.lines("release", code=3))
    assert "pings/zz.parquet cannot be read" in said
    assert "leave it out of path" in said
    bad.unlink()


def test_a_file_that_is_damaged_inside_is_named(ready: Path, run: Any) -> None:
    file = min((ready / "pings").glob("*.parquet"))
    whole = file.read_bytes()
    chunk = pq.read_metadata(file).row_group(0).column(0)
    raw = bytearray(whole)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    raw[start : start + chunk.total_compressed_size] = b"\xa5" * chunk.total_compressed_size
    file.write_bytes(raw)
    said = _one_line(run.lines("release", code=3))
    assert file.name in said
    assert "cannot be read" in said
    file.write_bytes(whole)


def test_too_little_memory_says_what_to_write(
    ready: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    del ready
    with monkeypatch.context() as patch:
        patch.setattr(connection, "_OUTSIDE_LIMIT", 0.004)
        said = _one_line(run.lines("release", code=6))
    assert "memory_mb" in said
    assert "nothing was charged" in said


def test_a_spill_limit_that_is_reached_says_what_to_write(
    ready: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    del ready
    real = connection.duckdb.connect

    # One thread: with more, which limit is met first is a race.
    tight = {"memory_limit": "8MiB", "max_temp_directory_size": "1KiB", "threads": 1}

    def small(*, config: dict[str, Any]) -> Any:
        return real(config=config | tight)

    with monkeypatch.context() as patch:
        patch.setattr(connection.duckdb, "connect", small)
        said = _one_line(run.lines("release", code=6))
    assert "temporary files in work/ reached spill_gb = 100" in said


@pytest.mark.parametrize("in_files", [False, True])
def test_a_disk_that_takes_no_more_says_so(ready: Path, run: Any, in_files: bool) -> None:
    del run
    code = (
        "from pipelines.engines.duckdb import engine; "
        f"engine.DuckDBEngine.__init__.__kwdefaults__.update(in_memory={not in_files}); "
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000)); "
        "import sys; sys.argv = ['murmuration', 'release']; "
        "from pipelines.cli.app import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ready,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 6, done.stderr
    said = _one_line(done.stderr.splitlines())
    assert "the disk under work/ is full, or takes no file so large" in said
    assert "run the same command again" in said
    assert "in_memory" in engine.DuckDBEngine.__init__.__kwdefaults__


@pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="needs the spark extra")
def test_a_spark_master_that_does_not_answer_is_named(ready: Path, run: Any) -> None:
    del ready
    lines = run.lines("release", "--engine", "spark", "--master", "spark://127.0.0.1:9", code=6)
    said = _one_line(lines)
    assert "spark://127.0.0.1:9" in said
    assert "nothing was charged" in said
