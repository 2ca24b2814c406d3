"""Kill a release 200 times at random, and lose power at every moment of one; count what follows.

Run: python tests/benchmarks/faults.py [KILLS]. Each kill is a SIGKILL of a process that releases a
small town with the real engine, staging in files, and real syncs, at a time drawn evenly from 0 to
1.1 times what a whole run takes. After each, the ledger must be sound, every draw charged, every
visible folder whole, and what was booked as drawn unchanged; then the release goes on. After the
kills come the power cuts: all states that a disk could be left in, each checked and finished.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS / "pipelines" / "release")]

import pytest  # noqa: E402
from release_crash import note_draws  # noqa: E402
from release_town import Town, make_town  # noqa: E402
from test_release_lost_writes import LAST, cuts_of, faults_of, finished  # noqa: E402

from dp.ledger import Ledger, verify  # noqa: E402
from pipelines import verify_release  # noqa: E402
from pipelines.engines.duckdb.engine import DuckDBEngine  # noqa: E402
from pipelines.release import run, totals  # noqa: E402

BUCKET_ROWS = 2_000
SEED = 20260302


def start(town: Town) -> int:
    """Release in a fork of this process, where everything is imported; return its id."""
    child = os.fork()
    if child == 0:
        totals.engine_of = lambda _name: DuckDBEngine(bucket_rows=BUCKET_ROWS, in_memory=False)  # type: ignore[assignment]
        note_draws(town.folder.parent / "draws")
        try:
            run.release(town.spec())
        finally:
            os._exit(0)
    return child


def ended(child: int) -> bool:
    """Wait for a process; return whether it was killed."""
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def new_town(model: Path, home: Path) -> Town:
    os.environ["MURMURATION_ANCHORS"] = str(home / "anchors")
    shutil.copytree(model, home / "town")
    town = Town(home / "town")
    town.create_ledger()
    return town


def state(town: Town) -> str:
    """Return in words how far a release had come."""
    with Ledger.open(town.ledger) as ledger:
        booked = ledger.reservations()
        settled = any(ledger.settled(one.release_id) for one in booked)
    states = {one.state for one in booked}
    signs = {
        "settled": settled,
        "published, not settled": any(town.releases.glob("[!.]*")),
        "all drawn, writing the folder": states == {"drawn"},
        "inside a draw": "draw_started" in states,
        "between draws": bool(states),
        "reading records": any((town.folder / "work").glob("*/*/*")),
    }
    return next((words for words, there in signs.items() if there), "before reading")


def checked(town: Town, booked: dict[str, bytes]) -> dict[str, bytes]:
    """Check what a kill left, and return the measurements that are booked as drawn."""
    assert verify(town.ledger) == []
    with Ledger.open(town.ledger) as ledger:
        all_of = ledger.reservations()
        paid = sum(one.attempt for one in all_of if one.state != "reserved")
        now = {one.key: ledger.store.read(one.key) for one in all_of if one.state in run._DRAWN}
    note = town.folder.parent / "draws"
    assert (len(note.read_bytes()) if note.exists() else 0) <= paid, "a draw is not charged"
    assert {key: now[key] for key in booked} == booked, "what was drawn was drawn again"
    for folder in town.releases.glob("[!.]*"):
        assert verify_release(folder) == [], "a half folder is visible"
    return now


def kills(model: Path, home: Path, number: int) -> Counter[str]:
    """Kill runs so many times; each town is released to its end before the next."""
    chance, found = random.Random(SEED), Counter[str]()
    town, booked, at = new_town(model, home / "0"), dict[str, bytes](), 0
    begun = time.monotonic()
    ended(start(town))
    whole_s = time.monotonic() - begun
    town, at = new_town(model, home / "1"), 1
    while sum(found.values()) < number:
        child = start(town)
        time.sleep(chance.uniform(0, 1.1 * whole_s))
        os.kill(child, signal.SIGKILL)
        if ended(child):
            found[state(town)] += 1
        booked = checked(town, booked)
        if state(town) == "settled":
            (folder,) = town.releases.iterdir()
            assert verify_release(folder, ledger=town.ledger) == []
            shutil.rmtree(home / str(at))
            at, booked = at + 1, {}
            town = new_town(model, home / str(at))
    found["towns released whole meanwhile"] = at - 1
    return found


def cuts(model: Path, home: Path) -> dict[str, Any]:
    """Lose power at every moment of one release."""
    begun = time.monotonic()
    found = cuts_of(model, home)
    with pytest.MonkeyPatch.context() as patch:
        wrong = [cut for cut in found if faults_of(cut, patch)]
        for cut in found:
            if cut.town.ledger.exists():
                finished(cut, patch)
    spent = Counter(cut.draws for cut in found)
    took = time.monotonic() - begun
    return {"states": len(found), "wrong": len(wrong), "by draws": dict(spent), "s": round(took)}


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as text:
        home = Path(text)
        model = make_town(home / "model").folder
        for words, times in kills(model, home / "kills", number).most_common():
            print(f"{times:4d} {words}")
        print("power cuts:", cuts(model, home / "cuts"), f"of {LAST} draws each")


if __name__ == "__main__":
    main()
