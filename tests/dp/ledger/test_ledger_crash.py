"""Killed anywhere: the budget is never under-counted, nothing is drawn twice for one charge."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from _dying import release
from _ledgers import daily, draw, policy_of, reserve, sha

from dp.errors import LedgerFault
from dp.ledger import Ledger, anchor, disk, verify
from dp.ledger.anchor import Anchor
from dp.ledger.file import LedgerFile
from dp.loss import Rho

HERE = Path(__file__).parent
POINTS = 41


Run = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def run() -> Iterator[Run]:
    """Start a script of this folder; whatever still lives at the end is ended."""
    children: list[subprocess.Popen[str]] = []

    def start(script: str, *args: object) -> subprocess.Popen[str]:
        command = [sys.executable, str(HERE / script), *map(str, args)]
        pipe = subprocess.PIPE
        children.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True))
        return children[-1]

    yield start
    for child in children:
        if child.poll() is None:
            child.kill()
        child.__exit__(None, None, None)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_a_release_killed_at_any_point_is_finished_and_paid_for(tmp_path: Path, run: Run) -> None:
    for point in range(POINTS + 1):
        folder = tmp_path / str(point)
        folder.mkdir()
        Ledger.create(folder / "x.ledger", policy_of(), anchors=folder / "anchors").close()
    out, err = run("_dying.py", tmp_path, *range(POINTS + 1)).communicate(timeout=120)
    deaths = dict(map(int, line.split()) for line in out.splitlines())
    assert deaths == {0: POINTS, **dict.fromkeys(range(1, POINTS + 1), -signal.SIGKILL)}, err
    for point in deaths:
        _check_after_death(tmp_path / str(point), point=point)


def _check_after_death(folder: Path, *, point: int) -> None:
    path, anchors, draws = folder / "x.ledger", folder / "anchors", folder / "draws"
    assert verify(path, anchors) == [], f"point {point}: a crash looks like damage"
    drawn = _lines(draws)
    with Ledger.open(path, anchors=anchors) as ledger:
        paid = ledger.windows(None).rho
        assert paid >= Rho.of("1/60") * len(drawn), f"point {point}: a draw was not charged"
        states = [r.state for r in ledger.reservations()]
    release(folder)
    with Ledger.open(path, anchors=anchors) as ledger:
        (spent,) = ledger.reservations()
        redrawn = states == ["draw_started"]
        assert (spent.state, spent.attempt) == ("settled", 1 + redrawn), f"point {point}"
        assert ledger.windows(None).rho == Rho.of("1/60") * spent.attempt
        assert len(_lines(draws)) <= spent.attempt, f"point {point}: drawn more often than charged"
        assert len(set(_lines(draws))) == len(_lines(draws)), f"point {point}: an attempt repeats"
        assert ledger.settled("daily-mobility-0001") == sha("manifest")
        assert ledger.store.read(spent.key) == f"noise of attempt {spent.attempt}".encode()
    assert verify(path, anchors) == [], f"point {point}"


def test_processes_killed_at_random_times_leave_a_sound_ledger(
    tmp_path: Path, anchors: Path, run: Run
) -> None:
    policy = policy_of(rho="100")
    ledger = Ledger.create(tmp_path / "x.ledger", policy, anchors=anchors)
    chance = random.Random(20260302)
    draws = tmp_path / "draws"
    for round_number in range(10):
        child = run("_spender.py", ledger.path, anchors, f"round{round_number}", draws)
        head = ledger.head
        deadline = time.monotonic() + 30
        while Ledger.open(ledger.path, anchors=anchors).head == head:
            assert child.poll() is None, child.communicate()
            assert time.monotonic() < deadline
        time.sleep(chance.uniform(0, 0.06))
        child.kill()
        child.communicate()
        assert verify(ledger.path, anchors) == []
        begun = {r.key for r in ledger.reservations() if r.state != "reserved"}
        assert set(_lines(draws)) <= begun, "noise was drawn for what is not booked as started"
        assert child.returncode == -signal.SIGKILL, "the process ended before it was killed"


def test_two_processes_at_once_spend_the_cap_and_no_more(
    ledger: Ledger, anchors: Path, tmp_path: Path, run: Run
) -> None:
    children = [
        run("_spender.py", ledger.path, anchors, name, tmp_path / "draws") for name in "abc"
    ]
    granted = []
    for child in children:
        out, err = child.communicate(timeout=60)
        assert (child.returncode, err) == (0, "")
        granted.append(int(out))
    assert sum(granted) == 30
    assert ledger.windows(30).rho == Rho.of("1/2")
    assert len({r.release_id for r in ledger.reservations()}) == 30
    assert verify(ledger.path, anchors) == []


def test_nothing_takes_effect_before_it_is_anchored_and_synced(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    real_write, real_sync, real_append = os.pwrite, disk.sync, LedgerFile.append

    def write(fd: int, data: bytes, at: int) -> int:
        events.append(data.split()[0].decode())
        return real_write(fd, data, at)

    def sync(fd: int) -> None:
        real_sync(fd)
        events.append("sync")

    def append(file: LedgerFile, entry: object) -> None:
        real_append(file, entry)  # type: ignore[arg-type]
        events.append("commit")

    (reservation,) = reserve(ledger, daily(0, 1))
    monkeypatch.setattr(os, "pwrite", write)
    monkeypatch.setattr(anchor, "sync", sync)
    monkeypatch.setattr(LedgerFile, "append", append)
    with ledger.exclusive():
        ledger.start_draw(reservation)
    assert events == ["begun", "sync", "commit", "issued", "sync"]


def _cut_off(*_args: object) -> None:
    raise KeyboardInterrupt


def test_a_change_that_a_crash_cut_off_is_finished_before_the_next(
    ledger: Ledger, anchors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Anchor, "issue", _cut_off)
        with pytest.raises(KeyboardInterrupt):
            reserve(ledger, daily(0, 1))
    with monkeypatch.context() as patch:
        patch.setattr(LedgerFile, "append", _cut_off)
        with pytest.raises(KeyboardInterrupt):
            reserve(Ledger.open(ledger.path, anchors=anchors), daily(0, 2), name="two")
    again = Ledger.open(ledger.path, anchors=anchors)
    assert again.windows(None).rho == Rho.of("1/60")
    assert verify(ledger.path, anchors) == []


def test_a_head_that_was_seen_after_a_crash_is_never_forgotten(
    ledger: Ledger, anchors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ledger.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Anchor, "issue", _cut_off)
        with pytest.raises(KeyboardInterrupt):
            reserve(ledger, daily(0, 1))
    seen = Ledger.open(ledger.path, anchors=anchors).head
    assert seen.seq == 2
    ledger.path.write_bytes(before)
    with pytest.raises(LedgerFault, match="is behind its anchor"):
        Ledger.open(ledger.path, anchors=anchors)


def test_commits_wait_for_the_disk(ledger: Ledger) -> None:
    with LedgerFile(ledger.path).connected() as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (3,), "EXTRA"
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_measurement_is_on_the_disk_before_its_name_is(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    monkeypatch.setattr(disk, "sync", lambda _fd: events.append("file"))
    monkeypatch.setattr(disk, "sync_folder", lambda folder: events.append(folder.name))
    real = Path.replace

    def replace(path: Path, target: Path) -> Path:
        events.append("rename")
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    ledger.store.write(sha("k"), 1, b"noisy")
    assert events == ["file", "rename", ledger.store.folder.name]


def test_a_ledger_that_was_never_finished_is_no_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, anchors = tmp_path / "x.ledger", tmp_path / "anchors"
    with monkeypatch.context() as patch:
        patch.setattr(LedgerFile, "publish", _cut_off)
        with pytest.raises(KeyboardInterrupt):
            Ledger.create(path, policy_of(), anchors=anchors)
    assert not path.exists()
    with Ledger.create(path, policy_of(), anchors=anchors) as made, made.exclusive():
        draw(made, reserve(made, daily(0, 1))[0])
    assert verify(path, anchors) == []
