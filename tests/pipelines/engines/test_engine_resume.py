"""Killed at any point and run again, the records are counted once: the same totals, no more work.

What is planted here (a partial twice, a bucket gone, another input) must never reach a sum.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from answering import Ask, answering
from engine_crash import BUCKET_ROWS, PEOPLE, POINTS, counting, engine
from engine_desk import pings, source

from pipelines.engines.contract import Resources
from pipelines.engines.duckdb import run as running
from pipelines.engines.duckdb.engine import DuckDBEngine
from pipelines.engines.duckdb.partials import PARTIAL, Partials
from pipelines.engines.duckdb.staging import InFiles
from pipelines.engines.duckdb.state import RunState, sha256_of
from pipelines.engines.scratch import STATE, left_behind
from pipelines.engines.totals import FileTotals
from pipelines.errors import EngineError

Kill = Callable[[str], Path]
ROWS = [(i, f"{2 + i % 3:02} {8 + i % 12:02}:{i % 60:02}", i % 9) for i in range(PEOPLE)]


class Heard:
    """A progress that keeps what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: list[str] = []

    def at(self, step: str, fraction: float) -> None:
        del fraction
        self.steps.append(step)

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    with answering(Path(__file__).parent / "engine_crash.py") as ask:
        yield ask


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return pings(tmp_path / "a.parquet", ROWS).path


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "w"


@pytest.fixture
def kill(ask: Ask, data: Path, work: Path) -> Kill:
    """Run until a named point, die there, and return the folder that is left."""

    def one(point: str) -> Path:
        assert ask(f"{work}\t{data}\t{point}") == "killed"
        (left,) = work.glob("engine-*")
        return left

    return one


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What this process did: "staged", and "group" for each group that it counted."""
    done: list[str] = []
    for name, said in (("staging_sql", "staged"), ("count_bucket", "group")):
        real = getattr(running, name)

        def noted(*args: Any, real: Any = real, said: str = said, **more: Any) -> Any:
            done.append(said)
            return real(*args, **more)

        monkeypatch.setattr(running, name, noted)
    return done


def _bytes(work: Path, data: Path, heard: Heard | None = None, **changes: Any) -> bytes:
    totals = engine().run(counting(work, data, **changes), heard or Heard())
    try:
        return _of(totals)
    finally:
        totals.close()


def _of(totals: FileTotals) -> bytes:
    """Every cell's total, in order."""
    found = {name: [part.tolist() for part in totals.sparse(name)] for name in totals.tables}
    assert any(cells for _, cells, _ in found.values())
    return json.dumps(found).encode()


def _state(left: Path) -> RunState:
    state = RunState.read(left)
    assert state is not None
    return state


@pytest.mark.parametrize("point", POINTS)
def test_killed_and_run_again_it_counts_the_rest_once(
    work: Path, data: Path, kill: Kill, counted: list[str], point: str
) -> None:
    unbroken = _bytes(work.with_name("other"), data)
    groups = counted.count("group")
    assert groups > 3, "too few groups: this test would check little"
    diagnostics = (work.with_name("other") / "diagnostics.json").read_bytes()
    counted.clear()
    kill(point)
    heard = Heard()
    assert _bytes(work, data, heard) == unbroken
    kept = POINTS[point][1]
    if kept is None:
        assert counted == ["staged"] + ["group"] * groups
        assert "had not finished reading" in heard.notes[0]
    else:
        assert counted == ["group"] * (groups - kept if kept >= 0 else 0)
        assert heard.notes == ["An interrupted run is taken up where it stopped."]
        assert "Reading records" not in heard.steps
    assert [path.name for path in work.iterdir()] == ["diagnostics.json"]
    assert (work / "diagnostics.json").read_bytes() == diagnostics


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_totals(
    work: Path, data: Path, kill: Kill, counted: list[str]
) -> None:
    unbroken = _bytes(work.with_name("other"), data)
    groups = counted.count("group")
    for _ in range(2):
        kill("after the second partial stands")
    counted.clear()
    assert _bytes(work, data) == unbroken
    # The second process died after the first partial that it wrote was followed by another.
    assert counted.count("group") == groups - 2 - 3


def test_what_a_crash_leaves_is_private_and_holds_no_secret(
    work: Path, data: Path, kill: Kill
) -> None:
    left = kill("in the middle of the third group")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [left, *left.rglob("*")]}
    assert modes == {0o700, 0o600}
    state = _state(left)
    assert set(state.groups[0]) & {int(p.name[2:]) for p in left.glob("buckets/b=*")}
    assert not list(left.glob("buckets/b=0/*")), "what was counted is gone"
    assert not list(left.glob("buckets/b=-*"))


def test_the_identity_does_not_depend_on_the_secret(tmp_path: Path, data: Path) -> None:
    from pipelines.engines.duckdb.identity import Identity

    secrets = (b"one secret of a ledger", b"other secret of a ledger")
    told = []
    for secret in secrets:
        statements = {"sampled": f"/* sha256( {secret.hex()} */ SELECT 1"}
        given = replace(counting(tmp_path, data), statements=statements, secret=secret)
        told.append(json.dumps(Identity(job=given, files=(), bucket_rows=1).parts()))
    assert told[0] == told[1]
    assert secrets[0].hex() not in told[0]


def _truncate(left: Path) -> None:
    partial = min(left.glob("partials/*.parquet"))
    os.truncate(partial, partial.stat().st_size // 2)


def _flip(left: Path) -> None:
    staged = max(left.glob("buckets/b=*/*"))
    raw = bytearray(staged.read_bytes())
    raw[len(raw) // 2] ^= 1
    staged.write_bytes(raw)


def _lose(left: Path) -> None:
    max(left.glob("buckets/b=*/*")).unlink()


def _twice(left: Path) -> None:
    """Put the first group's partial in the place of the last group's, under a sound name."""
    partial = min(left.glob("partials/*.parquet"))
    last = len(_state(left).groups) - 1
    shutil.copy(partial, partial.with_name(f"{last:06d}{partial.name[6:]}"))


def _second(left: Path) -> None:
    """Give one group two partials, each sound by its name."""
    partial = min(left.glob("partials/*.parquet"))
    table = pq.read_table(partial)
    other = partial.with_name("new.part")
    pq.write_table(table, other, compression="none")
    other.rename(partial.with_name(f"000000-{sha256_of(other)}.parquet"))


def _foreign(left: Path) -> None:
    """Leave a partial of another run, sound in itself."""
    state = _state(left)
    (left / STATE).unlink()
    replace(state, run="0" * 32).write(left)


def _spoil(left: Path) -> None:
    (left / STATE).write_text("{}")


@pytest.mark.parametrize(
    "plant", [_truncate, _flip, _lose, _twice, _second, _foreign, _spoil], ids=lambda p: p.__name__
)
def test_a_damaged_run_starts_over(
    work: Path, data: Path, kill: Kill, counted: list[str], plant: Callable[[Path], None]
) -> None:
    unbroken = _bytes(work.with_name("other"), data)
    plant(kill("after the second partial stands"))
    counted.clear()
    heard = Heard()
    assert _bytes(work, data, heard) == unbroken
    assert counted[0] == "staged"
    assert "is not taken up, and was removed" in heard.notes[0]
    assert [path.name for path in work.iterdir()] == ["diagnostics.json"]


def _rewrite(data: Path) -> dict[str, Any]:
    pings(data, ROWS[:-1])
    return {}


def _touch(data: Path) -> dict[str, Any]:
    told = data.stat()
    os.utime(data, ns=(told.st_atime_ns, told.st_mtime_ns + 1))
    return {}


def _backdate(data: Path) -> dict[str, Any]:
    """Put a file of the same bytes in place, with the time of the one before: a copy does so."""
    told, copy = data.stat(), data.with_name("copy")
    _differs(told, lambda: shutil.copy2(data, copy))
    copy.replace(data)
    assert data.stat().st_mtime_ns == told.st_mtime_ns
    return {}


def _differs(told: os.stat_result, change: Callable[[], Path]) -> None:
    """Change a file until the system's clock, which ticks slowly, shows it."""
    while change().stat().st_ctime_ns == told.st_ctime_ns:
        pass


FILES = "a source, the id map, the exclusions or the strata changed"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_rewrite, FILES),
        (_touch, FILES),
        (_backdate, FILES),
        (lambda _: {"owner": "another ledger"}, "the ledger changed"),
        (lambda _: {"categories": ("cafe",)}, "the specification changed"),
    ],
)
def test_what_changed_since_starts_over_and_is_named(
    work: Path,
    data: Path,
    kill: Kill,
    change: Callable[[Path], dict[str, Any]],
    said: str,
) -> None:
    kill("after the second partial stands")
    asked, heard = change(data), Heard()
    again = _bytes(work, data, heard, **asked)
    assert said in heard.notes[0]
    assert heard.steps[0] == "Reading records"
    assert again == _bytes(work.with_name("other"), data, **asked)


def test_a_changed_line_within_a_file_of_the_old_size_and_time_is_seen(tmp_path: Path) -> None:
    from pipelines.engines.duckdb.identity import file_facts
    from pipelines.ingest.check import check_source
    from pipelines.ingest.strata import check_persons

    file = tmp_path / "a.csv"
    lines = [f"{i % 900},2026-03-02T10:00:00Z,37.51,126.81" for i in range(20_000)]
    file.write_text("\n".join(["who,ts,lat,lon", *lines]) + "\n", encoding="utf-8")
    checked = check_source(source(file, kind="pings", lat="lat", lon="lon"), 0)
    before, told = file_facts((checked,), check_persons(None, None, None)), file.stat()
    assert before == file_facts((checked,), check_persons(None, None, None))

    def edit() -> Path:
        lines[10_000] = lines[10_000].replace("37.51", "37.52")
        with file.open("r+", encoding="utf-8") as opened:
            opened.write("\n".join(["who,ts,lat,lon", *lines]) + "\n")
        os.utime(file, ns=(told.st_atime_ns, told.st_mtime_ns))
        return file

    _differs(told, edit)
    ((_, size, time_ns, _, ends),) = before
    ((_, size_now, time_ns_now, _, ends_now),) = after = file_facts(
        (checked,), check_persons(None, None, None)
    )
    assert (size_now, time_ns_now, ends_now) == (size, time_ns, ends), "seen by other marks"
    assert after != before


def test_another_bucket_size_starts_over(
    work: Path, data: Path, kill: Kill, counted: list[str]
) -> None:
    kill("after the second partial stands")
    heard = Heard()
    other = DuckDBEngine(bucket_rows=BUCKET_ROWS // 2, in_memory=False)
    totals = other.run(counting(work, data), heard)
    again = _of(totals)
    totals.close()
    assert "the size of a bucket (memory_mb) changed since" in heard.notes[0]
    assert counted[0] == "staged"
    assert again == _bytes(work.with_name("other"), data)


def test_other_limits_go_on(work: Path, data: Path, kill: Kill, counted: list[str]) -> None:
    kill("after the second partial stands")
    _bytes(work, data, resources=Resources(memory_mb=700, threads=1))
    assert "staged" not in counted


def test_a_run_that_lives_is_left_alone(work: Path, data: Path, kill: Kill) -> None:
    left = kill("after the second partial stands")
    (held,) = left_behind(work)
    heard = Heard()
    _bytes(work, data, heard)
    assert heard.notes == []
    assert left.is_dir()
    held.remove()


def test_a_bucket_that_is_counted_twice_is_caught(
    work: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = InFiles.records
    first: list[Any] = []

    def planted(self: InFiles, group: Any) -> str:
        first.append(group)
        return real(self, first[0])

    monkeypatch.setattr(InFiles, "records", planted)
    monkeypatch.setattr(InFiles, "drop", lambda *_: None)
    with pytest.raises(EngineError, match="not counted exactly once"):
        _bytes(work, data)
    assert list(work.iterdir()) == []


def test_a_bucket_that_is_never_counted_is_caught(
    work: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Partials.write

    def planted(self: Partials, con: Any, number: int, kept: Any) -> None:
        if number == 1:
            con.execute(f"DROP TABLE {PARTIAL}")
        else:
            real(self, con, number, kept)

    monkeypatch.setattr(Partials, "write", planted)
    with pytest.raises(EngineError, match="not counted exactly once"):
        _bytes(work, data)
    assert list(work.iterdir()) == []
