"""Let these tests share a simulated town, its ledger, a known engine, and killable processes."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parents[2] / "processes"))

from release_town import KnownEngine, KnownTotals, Town, make_town, zones_once

from pipelines.release import run, totals, world


@pytest.fixture(scope="session")
def model_town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One town on the disk; tests work on copies."""
    return make_town(tmp_path_factory.mktemp("model") / "town").folder


@pytest.fixture
def town(model_town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """A copy of the town with a new ledger, whose anchors lie in the test's own folder."""
    # A killed process loses no page cache, and what is synced when has tests of its own.
    monkeypatch.setattr(os, "fsync", lambda _handle: None)
    monkeypatch.setattr(world, "zones_of", zones_once)
    monkeypatch.setenv("MURMURATION_ANCHORS", str(tmp_path / "anchors"))
    shutil.copytree(model_town, tmp_path / "town")
    made = Town(tmp_path / "town")
    made.create_ledger()
    return made


@pytest.fixture(scope="session")
def real_zones() -> object:
    """What reads a spec's zones, whatever kind they are."""
    from release_town import _load

    return _load


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[KnownTotals]:
    """Put an engine of known totals in place of the real one; give what it handed out."""
    engine = KnownEngine()
    monkeypatch.setattr(totals, "engine_of", lambda _name: engine)
    return engine.given


@pytest.fixture(scope="session")
def released_once(model_town: Path, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town whose release is made: made once, so only to be read."""
    home = tmp_path_factory.mktemp("released")
    shutil.copytree(model_town, home / "town")
    town = Town(home / "town")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MURMURATION_ANCHORS", str(home / "anchors"))
        patch.setattr(totals, "engine_of", lambda _name: KnownEngine())
        town.create_ledger()
        run.release(town.spec())
    return town


@pytest.fixture
def released(released_once: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """The released town, with its ledger's anchors in reach."""
    monkeypatch.setenv("MURMURATION_ANCHORS", str(released_once.folder.parent / "anchors"))
    return released_once
