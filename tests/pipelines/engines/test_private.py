"""Raw records stay in the work folder, unreadable for others, and go whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from engine_desk import RECORDS, job, pings, records, run

from pipelines.engines.contract import Resources
from pipelines.engines.duckdb.connection import connection
from pipelines.engines.duckdb.engine import DuckDBEngine
from pipelines.engines.duckdb.partials import Partials
from pipelines.engines.scratch import Scratch
from pipelines.errors import EngineError
from pipelines.progress import Silent

ROWS = [(i, "02 10:00", i % 9) for i in range(200)]
NAME = "821099998888"


def _modes(folder: Path) -> set[str]:
    return {
        f"{'d' if path.is_dir() else 'f'}{stat.S_IMODE(path.stat().st_mode):o}"
        for path in folder.rglob("*")
    }


def test_files_are_private_while_they_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    kinds: set[str] = set()
    original = Partials.write

    def spying(*given: Any) -> None:
        original(*given)
        seen.update(_modes(tmp_path / "w"))
        kinds.update(path.parent.name.split("=")[0] for path in (tmp_path / "w").rglob("*"))

    monkeypatch.setattr(Partials, "write", spying)
    given = job(tmp_path / "w", pings(tmp_path / "a.parquet", ROWS))
    before = os.umask(0o022)
    try:
        run(given, bucket_rows=50, in_memory=False)
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    assert {"buckets", "b", "partials"} <= kinds
    assert seen == {"d700", "f600"}


def test_only_sums_are_left_until_closed_and_then_only_diagnostics(tmp_path: Path) -> None:
    given = job(tmp_path / "w", pings(tmp_path / "a.parquet", ROWS))
    totals = DuckDBEngine(bucket_rows=50, in_memory=False).run(given, Silent())
    left = {path for path in (tmp_path / "w").rglob("*") if path.is_file()}
    sums = {path for path in left if path.parent.name == "partials"}
    added = {path for path in left if path.parent.name == "totals"}
    others = {path.name for path in left - sums - added}
    assert others == {"alive.lock", "state.json", "diagnostics.json"}
    assert len(sums) > 1
    assert len(added) == len(given.statements)
    totals.close()
    totals.close()
    assert [path.name for path in (tmp_path / "w").iterdir()] == ["diagnostics.json"]
    assert _modes(tmp_path / "w") == {"f600"}


def test_nothing_is_written_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, here, temporary = (tmp_path / name for name in ("home", "here", "temporary"))
    for folder in (home, here, temporary):
        folder.mkdir()
    given = job(tmp_path / "w", pings(tmp_path / "data" / "a.parquet", ROWS))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.chdir(here)
    run(given, bucket_rows=50, in_memory=False)
    assert [*home.iterdir(), *here.iterdir(), *temporary.iterdir()] == []
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["a.parquet"]


def test_a_statement_that_fails_quotes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    rows = [(NAME, "02 10:00", 0)]
    cell = "CAST(CAST(CAST(person AS VARCHAR) || 'x' AS DOUBLE) AS BIGINT)"
    broken = {"broken": f"/* sha256( */ SELECT d, {cell} AS cell, 1 AS total FROM points"}
    given = job(tmp_path / "w", pings(tmp_path / "a.parquet", rows), statements=broken)
    with pytest.raises(EngineError, match=r"diagnostics\.json") as caught:
        run(given)
    assert NAME not in str(caught.value)
    assert caught.value.__cause__ is None
    assert [path.name for path in (tmp_path / "w").iterdir()] == ["diagnostics.json"]
    assert NAME in (tmp_path / "w" / "diagnostics.json").read_text()


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Partials, "write", interrupted)
    given = job(tmp_path / "w", pings(tmp_path / "a.parquet", ROWS))
    with pytest.raises(KeyboardInterrupt):
        run(given, in_memory=False)
    assert list((tmp_path / "w").iterdir()) == []


@contextmanager
def _living(work: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that holds a scratch folder with a raw file in it."""
    program = f"""
        import time
        from pathlib import Path
        from pipelines.engines.scratch import Scratch
        scratch = Scratch.begin(Path({str(work)!r}))
        (scratch.folder("buckets") / "raw").write_text("raw")
        print("up", flush=True)
        time.sleep(60)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child, child.stdout:
        assert child.stdout.readline() == "up\n"
        try:
            yield child
        finally:
            child.kill()


def test_what_a_killed_run_left_goes_with_the_next_run(tmp_path: Path) -> None:
    given = job(tmp_path / "w", pings(tmp_path / "a.parquet", ROWS))
    with _living(tmp_path / "w") as child:
        run(given)
        assert len(list((tmp_path / "w").glob("engine-*/buckets/raw"))) == 1, "it is alive"
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert len(list((tmp_path / "w").glob("engine-*"))) == 1
        run(given)
    assert [path.name for path in (tmp_path / "w").iterdir()] == ["diagnostics.json"]


def test_a_run_needs_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refused)
    given = job(tmp_path / "w", pings(tmp_path / "a.parquet", [(1, "02 10:00", 0)]))
    assert len(records(given)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/hostname', columns = {'a': 'VARCHAR'}, header = false)",
        "SELECT * FROM read_parquet('https://example.org/a.parquet')",
        "INSTALL httpfs",
        "LOAD httpfs",
        "COPY (SELECT 1) TO '{outside}' (FORMAT parquet)",
        "ATTACH '{outside}' AS other",
        "SET enable_external_access = true",
        "SET threads = 1",
        "SELECT * FROM a_variable_of_the_program",
    ],
)
def test_the_connection_reaches_nothing_but_its_files(tmp_path: Path, statement: str) -> None:
    a_variable_of_the_program = pings(tmp_path / "a.parquet", ROWS)
    scratch = Scratch.begin(tmp_path / "w")
    with connection(Resources(), scratch, reads=[a_variable_of_the_program.path]) as con:
        assert con.execute(f"SELECT COUNT(*) FROM '{tmp_path}/a.parquet'").fetchall() == [(200,)]
        with pytest.raises(duckdb.Error):
            con.execute(statement.replace("{outside}", str(tmp_path / "outside")))
    scratch.remove()
    assert not (tmp_path / "outside").exists()


def test_progress_tells_steps_and_fractions_alone(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []

    class Hearing:
        def at(self, step: str, fraction: float) -> None:
            told.append((step, fraction))
            time.sleep(0)

    given = job(tmp_path / "w", pings(tmp_path / "a.parquet", ROWS), statements=RECORDS)
    DuckDBEngine(bucket_rows=50).run(given, Hearing()).close()
    steps = list(dict.fromkeys(step for step, _ in told))
    assert steps == ["Reading records", "Counting tables"]
    for step in steps:
        fractions = [fraction for one, fraction in told if one == step]
        assert fractions == sorted(fractions)
        assert (fractions[0], fractions[-1]) == (0.0, 1.0)
