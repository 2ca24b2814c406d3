"""The store: private, whole or absent, written once, read only if unchanged."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from _ledgers import daily, draw, policy_of, reserve, sha

from dp.errors import LedgerFault
from dp.ledger import Ledger, verify
from dp.ledger.disk import part_of


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def drawn(ledger: Ledger) -> Path:
    (reservation,) = reserve(ledger, daily(0, 1))
    with ledger.exclusive():
        draw(ledger, reservation)
    return ledger.store.path(reservation.key, 1)


def test_a_measurement_is_written_once(ledger: Ledger, drawn: Path) -> None:
    key = drawn.name.partition("-")[0]
    with pytest.raises(LedgerFault, match="was drawn before"):
        ledger.store.write(key, 1, b"other")
    assert ledger.store.read(key) == b"noisy"


def test_a_changed_measurement_is_refused(ledger: Ledger, drawn: Path, anchors: Path) -> None:
    drawn.write_bytes(b"noisx")
    with pytest.raises(LedgerFault, match="was changed since it was drawn"):
        ledger.store.read(drawn.name.partition("-")[0])
    assert any("was changed since" in text for text in verify(ledger.path, anchors))


def test_a_lost_measurement_is_never_drawn_again(
    ledger: Ledger, drawn: Path, anchors: Path
) -> None:
    drawn.unlink()
    with pytest.raises(LedgerFault, match="never drawn again"):
        ledger.store.read(drawn.name.partition("-")[0])
    assert any("cannot be read" in text for text in verify(ledger.path, anchors))


def test_what_was_not_booked_is_not_read(ledger: Ledger) -> None:
    (reservation,) = reserve(ledger, daily(0, 1))
    ledger.store.write(reservation.key, 1, b"noisy")
    with pytest.raises(LedgerFault, match="no measurement is booked"):
        ledger.store.read(reservation.key)


def test_a_key_cannot_lead_out_of_the_store(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="64 hex digits"):
        ledger.store.path("../../etc/passwd", 1)


def test_a_stranger_in_the_store_is_found(ledger: Ledger, drawn: Path, anchors: Path) -> None:
    assert verify(ledger.path, anchors) == []
    part_of(drawn).write_bytes(b"what a crash left")
    part_of(drawn).chmod(0o600)
    assert verify(ledger.path, anchors) == []
    stranger = drawn.with_name("stranger.bin")
    stranger.write_bytes(b"x")
    assert verify(ledger.path, anchors) == [f"{stranger} is not a measurement of this ledger"]


def test_a_crash_before_the_rename_leaves_no_measurement(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(_self: Path, _target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", cut_off)
        with pytest.raises(KeyboardInterrupt):
            ledger.store.write(sha("k"), 1, b"half")
    assert not ledger.store.path(sha("k"), 1).exists()
    assert ledger.store.write(sha("k"), 1, b"whole") == sha("whole")


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_everything_private_has_private_modes_whatever_the_umask(
    tmp_path: Path, umask: int
) -> None:
    before = os.umask(umask)
    try:
        ledger = Ledger.create(tmp_path / "x.ledger", policy_of(), anchors=tmp_path / "anchors")
        (reservation,) = reserve(ledger, daily(0, 1))
        with ledger.exclusive():
            draw(ledger, reservation)
    finally:
        os.umask(before)
    folders = {tmp_path / "anchors", ledger.store.folder}
    assert {_mode(folder) for folder in folders} == {0o700}
    files = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.suffix for path in files} == {".ledger", ".bin", ".lock", ".anchor"}
    assert {_mode(path) for path in files} == {0o600}


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602])
def test_a_ledger_that_others_can_read_is_refused(
    ledger: Ledger, drawn: Path, anchors: Path, mode: int
) -> None:
    ledger.path.chmod(mode)
    with pytest.raises(LedgerFault, match="Run: chmod 600"):
        Ledger.open(ledger.path, anchors=anchors)
    assert any("is open to others" in text for text in verify(ledger.path, anchors))
    ledger.path.chmod(0o600)
    assert verify(ledger.path, anchors) == []


def test_a_store_that_others_can_read_is_refused(
    ledger: Ledger, drawn: Path, anchors: Path
) -> None:
    ledger.store.folder.chmod(0o755)
    with pytest.raises(LedgerFault, match="Run: chmod 700"):
        Ledger.open(ledger.path, anchors=anchors)
    with pytest.raises(LedgerFault, match="Run: chmod 700"):
        ledger.store.write(sha("k"), 1, b"x")
    assert len(verify(ledger.path, anchors)) == 1
    ledger.store.folder.chmod(0o700)
    drawn.chmod(0o644)
    assert verify(ledger.path, anchors) == [f"{drawn} is open to others (mode 0644)"]
