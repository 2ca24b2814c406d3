"""A power cut forgets what was not synced: the budget, the draws and the folder outlast it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lost_writes import FATES, Disk, Fate, Image, restored, watched
from release_town import KnownEngine, Town, bytes_of, zones_once

from dp.ledger import Ledger, anchor, disk, verify
from dp.mechanisms import Mechanism
from pipelines import verify_release
from pipelines.release import folder, run, totals, world

LAST = 4
"""Measurements of the town on one date."""
EVERY, SAMPLE = 3, 12
"""One state in so many is looked at, and on so many the release is run again. A script does all."""
MKDIR = Path.mkdir
ANCHORS = "state/murmuration/anchors"
PLANTS: Mapping[str, Any] = {
    "the anchor's lines": (anchor, "sync", "lost"),
    "the anchor's name": (anchor, "sync_folder", "lost"),
    "names above the anchor": (disk, "_make", "lost"),
    "stored measurements": (disk, "sync", "lost"),
    "the store's names": (disk, "sync_folder", "lost"),
    "the folder's files": (folder, "sync", "empty"),
}
"""Syncs to leave out, to see that it is noticed."""


@dataclass(frozen=True)
class Cut:
    """What a power cut left, and what had been drawn before it."""

    folder: Path
    fate: Fate
    draws: int

    @property
    def town(self) -> Town:
        return Town(self.folder / "town")

    @property
    def anchors(self) -> Path:
        return self.folder / ANCHORS


class Cuts:
    """Power cuts at the moments of one release, each state once."""

    def __init__(self, root: Path, target: Path, fates: Sequence[Fate], every: int) -> None:
        self.disk = Disk(root, self.moment)
        self.found: list[Cut] = []
        self.draws = 0
        self._target = target
        self._fates = fates
        self._every = every
        self._seen: set[int] = set()

    def moment(self) -> None:
        for fate in self._fates:
            image = self.disk.after_a_cut(fate)
            known = hash((tuple(image.items()), self.draws))
            if known not in self._seen:
                self._seen.add(known)
                if len(self._seen) % self._every == 0:
                    self._keep(image, fate)

    def _keep(self, image: Image, fate: Fate) -> None:
        with pytest.MonkeyPatch.context() as plain:
            plain.setattr(Path, "mkdir", MKDIR)
            left = restored(image, self._target / f"{len(self.found)}")
        self.found.append(Cut(left, fate, self.draws))


def _unsynced(path: Any) -> None:
    if isinstance(path, Path):
        path.mkdir(parents=True, exist_ok=True)


def cuts_of(
    model_town: Path,
    folder: Path,
    *,
    fates: Sequence[Fate] = FATES,
    every: int = 1,
    plant: str = "",
) -> list[Cut]:
    """Return states that a power cut can leave of one release, its ledger's creation included."""
    home = folder / "disk"
    (home / "town").mkdir(parents=True)
    for name in ("release.toml", "policy.toml", "zones.geojson"):
        shutil.copy(model_town / name, home / "town" / name)
    town = Town(home / "town")
    town.edit("days = 2 }", "days = 1 }")
    made = Cuts(home, folder / "cut", fates, every)
    draw = Mechanism.draw

    def drawn(*args: Any, **more: Any) -> Any:
        made.draws += 1
        return draw(*args, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MURMURATION_ANCHORS", str(home / ANCHORS))
        patch.setattr(totals, "engine_of", lambda _name: KnownEngine())
        patch.setattr(Mechanism, "draw", drawn)
        if plant:
            patch.setattr(*PLANTS[plant][:2], _unsynced)
        with watched(made.disk, patch):
            town.create_ledger()
            run.release(town.spec())
    made.disk.close()
    return made.found


@pytest.fixture(scope="module")
def cuts(model_town: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Cut]:
    return cuts_of(model_town, tmp_path_factory.mktemp("power"), every=EVERY)


def _booked(town: Town) -> Mapping[str, bytes]:
    with Ledger.open(town.ledger) as ledger:
        drawn = [r for r in ledger.reservations() if r.state in {"drawn", "settled"}]
        return {r.key: ledger.store.read(r.key) for r in drawn}


def faults_of(cut: Cut, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is wrong with what a power cut left."""
    monkeypatch.setenv("MURMURATION_ANCHORS", str(cut.anchors))
    if not cut.town.ledger.exists():
        return ["what was drawn is forgotten"] if cut.draws else []
    found = verify(cut.town.ledger)
    if not found:
        with Ledger.open(cut.town.ledger) as ledger:
            begun = [r for r in ledger.reservations() if r.state != "reserved"]
        found += ["a draw is not charged"] if len(begun) < cut.draws else []
    for made in cut.town.releases.glob("[!.]*"):
        found += verify_release(made)
    return found


def test_there_are_many_ways_to_lose_power(cuts: list[Cut]) -> None:
    assert len(cuts) * EVERY > 150
    assert {cut.draws for cut in cuts} == set(range(LAST + 1))
    assert {cut.fate for cut in cuts} == set(FATES)


def test_after_a_power_cut_all_that_was_drawn_is_charged_and_no_folder_is_half(
    cuts: list[Cut], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {str(cut): fault for cut in cuts if (fault := faults_of(cut, monkeypatch))} == {}


def test_after_a_power_cut_the_release_is_finished_and_nothing_booked_is_drawn_again(
    cuts: list[Cut], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _handle: None)
    begun = [cut for cut in cuts if cut.town.ledger.exists()]
    for cut in begun[:: max(1, len(begun) // SAMPLE)]:
        finished(cut, monkeypatch)


def finished(cut: Cut, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a release again after a power cut, and see that nothing booked was drawn again."""
    monkeypatch.setenv("MURMURATION_ANCHORS", str(cut.anchors))
    monkeypatch.setattr(totals, "engine_of", lambda _name: KnownEngine())
    monkeypatch.setattr(world, "zones_of", zones_once)
    booked, shown = _booked(cut.town), bytes_of(cut.town.releases)
    made = run.release(cut.town.spec())
    assert verify_release(made, ledger=cut.town.ledger) == [], cut
    after = _booked(cut.town)
    assert len(after) == LAST
    assert {key: after[key] for key in booked} == booked, cut
    assert LAST <= cut.town.spent() <= LAST + 1, cut
    whole = {name: raw for name, raw in shown.items() if not name.startswith(".")}
    assert whole.items() <= bytes_of(cut.town.releases).items(), cut


@pytest.mark.parametrize("plant", PLANTS)
def test_a_sync_left_out_is_found(
    model_town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: str
) -> None:
    found = cuts_of(model_town, tmp_path, fates=PLANTS[plant][2:], plant=plant)
    assert any(faults_of(cut, monkeypatch) for cut in found)
