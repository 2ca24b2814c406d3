"""Full, read-only and foreign folders: what was drawn is paid for, no more, and can be finished."""

from __future__ import annotations

import datetime as dt
import errno
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_disk import CANNOT
from typer.testing import CliRunner

from dp.ledger import Ledger, store, verify
from pipelines import verify_release
from pipelines.cli.app import app
from pipelines.release import folder as folders
from pipelines.spec import load_policy
from pipelines.twin import CitySettings, make_city

DISK = Path(__file__).parent / "small_disk.py"
MEASUREMENTS = 4
ROOM = 1 << 20
"""What a ledger wants to have left besides the measurements."""


@dataclass(frozen=True)
class City:
    """A city of one date, its ledger, and commands run on disks of its own."""

    folder: Path

    def run(self, *words: str) -> tuple[int, str]:
        """Run a command; return its exit code and its words."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            done = CliRunner().invoke(app, words)
        return done.exit_code, _errors(done.stderr)

    def run_on(self, disk: Path, size: int | str) -> tuple[int, str]:
        """Release with one folder on a disk of that many free bytes; return code and words."""
        done = subprocess.run(
            [sys.executable, str(DISK), str(disk), str(size), "release"],
            env=os.environ | {"CITY": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == CANNOT:
            pytest.skip("this machine allows no mounts")
        return done.returncode, _errors(done.stderr)

    def paid(self) -> int:
        """Return how many draws are paid for; the ledger is sound."""
        path = self.folder / "city.ledger"
        assert verify(path) == []
        with Ledger.open(path) as ledger:
            return sum(r.attempt for r in ledger.reservations() if r.state != "reserved")

    def draws(self) -> int:
        """Return how many draws were made on a small disk."""
        note = self.folder.parent / "draws"
        return len(note.read_bytes()) if note.exists() else 0

    def finish(self) -> None:
        """Run the release again with room enough: it is whole, and paid for."""
        assert self.run("release") == (0, "")
        (made,) = (self.folder / "releases").iterdir()
        assert verify_release(made, ledger=self.folder / "city.ledger") == []
        assert self.draws() <= self.paid()


def _errors(text: str) -> str:
    """Return what is said on standard error besides progress: errors alone, and no traceback."""
    said = [x for x in text.splitlines() if not re.fullmatch(r"[A-Za-z ]+: \d+%", x)]
    assert all(line.startswith("error: ") for line in said), text
    assert "fault of its own" not in text
    return "\n".join(said)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "city"
    small = CitySettings(zones=5, pings_per_person=20.0)
    make_city(folder, people=100, days=1, start=dt.date(2026, 3, 2), seed=3, settings=small)
    return folder


@pytest.fixture
def small_city(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> City:
    monkeypatch.setenv("MURMURATION_ANCHORS", str(tmp_path / "anchors"))
    shutil.copytree(model, tmp_path / "city")
    policy = load_policy(tmp_path / "city" / "policy.toml")
    Ledger.create(tmp_path / "city" / "city.ledger", policy).close()
    return City(tmp_path / "city")


@pytest.mark.parametrize(
    ("free", "words", "draws"),
    [
        (ROOM // 2, "nothing was charged", 0),
        (ROOM + 150_000, "What was measured is safe", MEASUREMENTS),
    ],
)
def test_a_full_disk_costs_nothing_more_than_was_drawn(
    small_city: City, free: int, words: str, draws: int
) -> None:
    code, said = small_city.run_on(small_city.folder, free)
    assert code == 6
    assert words in said
    assert small_city.draws() == draws == small_city.paid()
    assert not [path for path in small_city.folder.glob("releases/*") if path.name[0] != "."]
    small_city.finish()
    assert small_city.paid() == MEASUREMENTS


@pytest.mark.parametrize(
    ("place", "code", "words"),
    [
        (".", 5, "cannot be locked"),
        ("releases", 6, "release.folder = releases cannot be used"),
    ],
)
def test_a_read_only_disk_is_told_before_anything_is_drawn(
    small_city: City, place: str, code: int, words: str
) -> None:
    disk = (small_city.folder / place).resolve()
    disk.mkdir(exist_ok=True)
    found, said = small_city.run_on(disk, "read-only")
    assert (found, words in said) == (code, True), said
    assert small_city.draws() == small_city.paid() == 0
    small_city.finish()


@pytest.mark.parametrize("name", ["work", "releases"])
def test_a_file_in_the_place_of_a_folder_is_told(small_city: City, name: str) -> None:
    (small_city.folder / name).write_text("in the way")
    code, said = small_city.run("release")
    assert code == 6
    assert f"= {name} cannot be used: File exists" in said
    assert small_city.paid() == 0
    assert (small_city.folder / name).read_text() == "in the way"


def test_a_missing_work_folder_is_made_private_whatever_the_umask(small_city: City) -> None:
    before = os.umask(0)
    try:
        small_city.finish()
    finally:
        os.umask(before)
    assert (small_city.folder / "work").stat().st_mode & 0o777 == 0o700


def test_a_read_only_work_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(folders.ResourceError, match=r"release\.work = .* it is read-only"):
        folders.private_folder(tmp_path / "work")


def test_a_disk_that_fills_up_inside_a_draw_is_paid_for_and_told(
    small_city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _payload: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_private", full)
        code, said = small_city.run("release")
    assert code == 6
    assert "a measurement could not be stored: No space left on device" in said
    assert small_city.paid() == 1
    small_city.finish()
    assert small_city.paid() == MEASUREMENTS + 1


def test_a_work_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    (tmp_path / "work").mkdir(mode=0o777)
    with pytest.raises(folders.ResourceError, match="it belongs to another user"):
        folders.private_folder(tmp_path / "work")
