"""Ledgers, specs, zones and records that change under a release: refused or without effect."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from release_town import Town, bytes_of, release_at_once

from dp.errors import LedgerFault
from dp.ledger import file, verify
from dp.mechanisms import Mechanism
from pipelines import verify_release
from pipelines.errors import SourceError
from pipelines.release import derive
from pipelines.release.plan import plan
from pipelines.release.run import release

Change = Callable[[Town], None]
ALL = 8
"""Measurements of the town."""


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count draws from here on."""
    made, real = [0], Mechanism.draw

    def drawn(*args: Any, **more: Any) -> Any:
        made[0] += 1
        return real(*args, **more)

    monkeypatch.setattr(Mechanism, "draw", drawn)
    return made


def _truncated(town: Town) -> None:
    town.ledger.write_bytes(town.ledger.read_bytes()[:-4096])


def _flipped(town: Town) -> None:
    raw = bytearray(town.ledger.read_bytes())
    raw[len(raw) // 2] ^= 1
    town.ledger.write_bytes(raw)


def _emptied(town: Town) -> None:
    town.ledger.write_bytes(b"")


def _edited(town: Town) -> None:
    with closing(sqlite3.connect(town.ledger)) as db, db:
        db.execute("DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries)")


def _no_anchor(town: Town) -> None:
    shutil.rmtree(os.environ["MURMURATION_ANCHORS"])


TAMPERED: dict[str, tuple[Change, str]] = {
    "truncated": (_truncated, "was damaged|was changed|behind its anchor"),
    "one byte flipped": (_flipped, "was changed|was damaged|cannot be read"),
    "emptied": (_emptied, "not a ledger|was emptied|cannot be read|no such table"),
    "an entry taken out": (_edited, "is behind its anchor"),
    "without its anchor": (_no_anchor, "the anchor of .* is missing"),
}


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_ledger_pays_for_nothing(town: Town, draws: list[int], name: str) -> None:
    change, words = TAMPERED[name]
    release(town.spec())
    before, shown = draws[0], bytes_of(town.releases)
    change(town)
    for spec in (town.spec(), town.edit('title = "Daily', 'issue = 1\ntitle = "Daily')):
        with pytest.raises(LedgerFault, match=words) as caught:
            release(spec)
        assert caught.value.exit_code == 5
        assert len(str(caught.value).splitlines()) == 1
    assert verify(town.ledger) != []
    assert draws[0] == before
    assert bytes_of(town.releases) == shown


@pytest.mark.usefixtures("counted")
def test_a_locked_ledger_is_named(
    town: Town, draws: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "_WAIT_S", 0.05)
    with closing(sqlite3.connect(town.ledger)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerFault, match="locked by a program other than murmuration"):
            release(town.spec())
    assert draws[0] == 0
    assert verify_release(release(town.spec())) == []


@pytest.mark.usefixtures("counted")
def test_a_restored_ledger_is_refused_and_the_newest_goes_on(town: Town, draws: list[int]) -> None:
    backup = town.ledger.read_bytes()
    release(town.spec())
    newest = town.ledger.read_bytes()
    town.ledger.write_bytes(backup)
    with pytest.raises(LedgerFault, match="is behind its anchor"):
        release(town.edit('title = "Daily', 'issue = 1\ntitle = "Daily'))
    assert draws[0] == ALL
    town.ledger.write_bytes(newest)
    release(town.spec())
    assert draws[0] == town.spent() == 2 * ALL


@pytest.mark.usefixtures("counted")
def test_ledger_and_anchor_restored_together_are_noticed_by_the_store(
    town: Town, draws: list[int]
) -> None:
    anchors, kept = Path(os.environ["MURMURATION_ANCHORS"]), town.folder.parent / "kept"
    backup = town.ledger.read_bytes()
    shutil.copytree(anchors, kept)
    release(town.spec())
    shutil.rmtree(anchors)
    shutil.copytree(kept, anchors)
    town.ledger.write_bytes(backup)
    assert any("not a measurement of this ledger" in one for one in verify(town.ledger))
    for spec in (town.spec(), town.edit('title = "Daily', 'issue = 1\ntitle = "Daily')):
        with pytest.raises(LedgerFault, match="both restored from an old copy"):
            release(spec)
    assert draws[0] == ALL
    assert town.spent() == 0


def _interrupted(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw everything, and stop before the folder is there."""

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(derive, "write_manifest", stop)
        with pytest.raises(KeyboardInterrupt):
            release(town.spec())


@pytest.mark.usefixtures("counted")
def test_a_spec_that_is_edited_after_its_plan_is_released_as_planned(town: Town) -> None:
    planned = plan(town.spec())
    town.edit('table = "panel"', 'table = "panel"\nnoise = "laplace"')
    made = release(planned)
    assert json.loads((made / "manifest.json").read_text())["digest"] == planned.digest
    assert town.spent() == ALL


@pytest.mark.usefixtures("counted")
def test_a_spec_that_is_edited_after_a_crash_draws_and_pays_for_what_is_new_alone(
    town: Town, draws: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _interrupted(town, monkeypatch)
    assert draws[0] == ALL
    made = release(town.edit('title = "Daily', 'title = "Hourly'))
    assert draws[0] == town.spent() == ALL
    assert verify_release(made, ledger=town.ledger) == []


@pytest.mark.usefixtures("counted")
def test_zones_that_are_edited_after_a_plan_are_those_of_the_plan(town: Town) -> None:
    planned = plan(town.spec())
    _without_a_zone(town)
    made = release(planned)
    zones = json.loads((made / "zones.geojson").read_text())
    assert len(zones["features"]) == len(planned.world.zones)
    assert verify_release(made, ledger=town.ledger) == []


@pytest.mark.usefixtures("counted")
def test_zones_that_are_edited_after_a_crash_are_another_release_and_paid_for(
    town: Town, draws: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _interrupted(town, monkeypatch)
    _without_a_zone(town)
    made = release(town.spec())
    assert made.name.endswith("-0002")
    assert draws[0] == town.spent() == 2 * ALL
    assert verify(town.ledger) == []


def _without_a_zone(town: Town) -> None:
    path = town.folder / "zones.geojson"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["features"] = content["features"][1:]
    path.write_text(json.dumps(content), encoding="utf-8")


def _header(raw: bytearray) -> None:
    raw[:4] = b"XXXX"


def _footer(raw: bytearray) -> None:
    raw[-12:-8] = b"\xff" * 4


def _middle(raw: bytearray) -> None:
    raw[len(raw) // 4 : len(raw) // 2] = b"\xa5" * (len(raw) // 2 - len(raw) // 4)


def _half(raw: bytearray) -> None:
    del raw[len(raw) // 2 :]


@pytest.mark.parametrize("damage", [_header, _footer, _middle, _half])
def test_a_damaged_parquet_file_costs_nothing(
    town: Town, draws: list[int], damage: Callable[[bytearray], None]
) -> None:
    path = max((town.folder / "pings").glob("*.parquet"))
    raw = bytearray(path.read_bytes())
    damage(raw)
    path.write_bytes(raw)
    with pytest.raises(SourceError, match=rf"{path.name} cannot be read") as caught:
        release(town.spec())
    assert caught.value.exit_code == 3
    assert draws[0] == town.spent() == 0
    assert bytes_of(town.releases) == {}


def test_two_specs_at_once_share_one_ledger(town: Town) -> None:
    other = town.folder / "other.toml"
    text = town.spec_file.read_text(encoding="utf-8")
    other.write_text(text.replace('title = "Daily', 'issue = 1\ntitle = "Hourly'), "utf-8")
    done = release_at_once(town.spec_file, other)
    names = sorted(out.strip() for out, _, code in done if code == 0)
    assert all(code == 0 or "LedgerBusy" in err for _, err, code in done), done
    assert sorted(path.name for path in town.releases.glob("[!.]*")) == names
    assert len(set(names)) == len(names) >= 1
    assert ALL * len(names) <= town.spent() <= 2 * ALL
    assert verify(town.ledger) == []
    for name in names:
        assert verify_release(town.releases / name, ledger=town.ledger) == []
