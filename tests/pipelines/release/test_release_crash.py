"""Killed at any named point and run again, a release finishes: once, whole, and paid for."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from answering import Ask, answering
from release_crash import LAST, POINTS
from release_town import Town, bytes_of, release_at_once

from dp.errors import LedgerBusy
from dp.ledger import Ledger, verify
from pipelines import verify_release
from pipelines.release.run import release

KILLED = [point for point in POINTS if point != "nowhere"]
INSIDE_A_DRAW = {
    "after the first draw was started",
    "inside a draw",
    "after a measurement was stored",
    "before the last is booked",
}
Run = Callable[[Town, str], str]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    with answering(Path(__file__).parent / "release_crash.py") as ask:
        yield ask


@pytest.fixture
def run(ask: Ask) -> Run:
    return lambda town, point: ask(
        f"{os.environ['MURMURATION_ANCHORS']}\t{town.spec_file}\t{point}"
    )


@pytest.fixture
def town(town: Town) -> Town:
    """The town with one date: half as many writes to wait for."""
    town.edit("days = 2 }", "days = 1 }")
    return town


def _visible(town: Town) -> list[Path]:
    if not town.releases.exists():
        return []
    return sorted(p for p in town.releases.iterdir() if not p.name.startswith("."))


def _booked(town: Town) -> Mapping[str, bytes]:
    """Return the stored bytes of every measurement that is booked as drawn."""
    with Ledger.open(town.ledger) as ledger:
        drawn = [r for r in ledger.reservations() if r.state in {"drawn", "settled"}]
        return {r.key: ledger.store.read(r.key) for r in drawn}


@pytest.mark.parametrize("point", KILLED)
def test_killed_and_run_again_it_finishes_the_same_release(
    town: Town, run: Run, point: str
) -> None:
    assert run(town, point) == "killed"
    for folder in _visible(town):
        assert verify_release(folder) == [], "a half folder was visible"
    before, spent = _booked(town), town.spent()

    assert run(town, "nowhere") == "exit 0"

    (folder,) = town.releases.iterdir()
    assert folder.name.endswith("-0001")
    assert verify_release(folder, ledger=town.ledger) == []
    assert verify(town.ledger) == []
    after = _booked(town)
    assert len(after) == LAST
    assert {key: after[key] for key in before} == before, "what was drawn was drawn again"
    assert town.spent() == LAST + (point in INSIDE_A_DRAW)
    assert town.spent() >= spent


def test_killed_twice_inside_a_draw_it_is_charged_for_each_time(town: Town, run: Run) -> None:
    for _ in range(2):
        assert run(town, "after the first draw was started") == "killed"
    assert run(town, "nowhere") == "exit 0"
    assert town.spent() == LAST + 2


def test_killed_at_random_times_it_is_charged_for_every_draw_and_finished(
    town: Town, run: Run, tmp_path: Path
) -> None:
    chance, booked = random.Random(20260302), dict[str, bytes]()
    for _ in range(12):
        run(town, f"{chance.uniform(0, 0.4):.4f}")
        for folder in _visible(town):
            assert verify_release(folder) == []
        assert verify(town.ledger) == []
        assert _drawn(tmp_path) <= _begun(town), "a draw is not charged"
        after = _booked(town)
        assert {key: after[key] for key in booked} == booked, "what was drawn was drawn again"
        booked = dict(after)
    assert run(town, "nowhere") == "exit 0"
    (folder,) = town.releases.iterdir()
    assert verify_release(folder, ledger=town.ledger) == []
    assert _drawn(tmp_path) <= _begun(town)


def _drawn(home: Path) -> int:
    note = home / "draws"
    return len(note.read_bytes()) if note.exists() else 0


def _begun(town: Town) -> int:
    """Return how many draws are paid for: attempts of charges whose draw was started."""
    with Ledger.open(town.ledger) as ledger:
        return sum(r.attempt for r in ledger.reservations() if r.state != "reserved")


def test_after_all_is_drawn_a_killed_run_is_finished_without_the_data(
    town: Town, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(town, "before the manifest") == "killed"
    town.drop_data()
    monkeypatch.setattr("pipelines.release.run.count", None)
    assert verify_release(release(town.spec()), ledger=town.ledger) == []


def test_a_killed_run_gives_the_bytes_that_an_unbroken_one_would_have_given(
    town: Town, run: Run
) -> None:
    assert run(town, "after the rename") == "killed"
    (folder,) = _visible(town)
    shown = bytes_of(folder)
    assert run(town, "nowhere") == "exit 0"
    assert bytes_of(folder) == shown


@pytest.mark.usefixtures("counted")
def test_a_second_process_is_told_to_wait(town: Town) -> None:
    with Ledger.open(town.ledger) as ledger, ledger.exclusive():
        with pytest.raises(LedgerBusy, match="another process is releasing"):
            release(town.spec())
        assert town.spent() == 0
    assert verify_release(release(town.spec()), ledger=town.ledger) == []


def test_two_processes_at_once_make_one_release(town: Town, model_town: Path) -> None:
    del model_town
    done = release_at_once(town.spec_file, town.spec_file)
    names = {out.strip() for out, _, code in done if code == 0}
    assert names == {"daily-mobility-garam-synthetic-0001"}
    assert all(code == 0 or "LedgerBusy" in err for _, err, code in done)
    assert town.spent() == LAST
    assert [path.name for path in town.releases.iterdir()] == sorted(names)
