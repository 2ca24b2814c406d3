"""The anchor: a ledger that forgot anything is refused, one that a crash cut off is not."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from _ledgers import daily, draw, policy_of, reserve, sha

from dp.errors import BudgetRefused, LedgerBusy, LedgerFault
from dp.ledger import Ledger, verify
from dp.ledger.anchor import Anchor
from dp.ledger.places import anchor_folder
from dp.loss import Rho


def _anchor(anchors: Path) -> Path:
    (found,) = anchors.glob("*.anchor")
    return found


def _edit(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


def _restore_backup(path: Path) -> None:
    shutil.copy(path.with_name("backup"), path)


def _cut_tail(path: Path) -> None:
    _edit(path, "DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries)")


def _cut_middle(path: Path) -> None:
    _edit(path, "DELETE FROM entries WHERE seq = 2")


def _change_charge(path: Path) -> None:
    _edit(path, "UPDATE entries SET payload = replace(payload, '1/60', '1/99') WHERE seq = 2")


def _swap(path: Path) -> None:
    _edit(
        path,
        "UPDATE entries SET seq = 99 WHERE seq = 2",
        "UPDATE entries SET seq = 2 WHERE seq = 3",
        "UPDATE entries SET seq = 3 WHERE seq = 99",
    )


def _truncate_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _truncate_page(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 4096)


def _truncate_all(path: Path) -> None:
    os.truncate(path, 0)


def _append_byte(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0")


def _other_format(path: Path) -> None:
    path.write_text("date,rho\n2026-03-02,0.1\n")


FORGETTING: dict[str, tuple[Callable[[Path], None], str]] = {
    "restored backup": (_restore_backup, "is behind its anchor"),
    "cut tail": (_cut_tail, "is behind its anchor"),
    "cut middle": (_cut_middle, "entry 2 is missing"),
    "changed charge": (_change_charge, "entry 2 does not carry the hash"),
    "swapped entries": (_swap, "entry 2 does not carry the hash"),
    "truncated to half": (_truncate_half, "cannot be read or written as a ledger"),
    "truncated by a page": (_truncate_page, ""),
    "emptied": (_truncate_all, "cannot be read or written as a ledger"),
    "one byte more": (_append_byte, ""),
    "another kind of file": (_other_format, "cannot be read or written as a ledger"),
    "VACUUM": (lambda path: _edit(path, "VACUUM"), "changed by something other"),
    "an index": (lambda path: _edit(path, "CREATE INDEX i ON entries (kind)"), "something other"),
    "write-ahead journal": (lambda path: _edit(path, "PRAGMA journal_mode = WAL"), ""),
}


@pytest.mark.parametrize(("damage", "said"), FORGETTING.values(), ids=FORGETTING.keys())
def test_a_ledger_that_was_tampered_with_is_refused_and_found(
    ledger: Ledger, anchors: Path, damage: Callable[[Path], None], said: str
) -> None:
    reserve(ledger, daily(0, 20), name="one")
    shutil.copy(ledger.path, ledger.path.with_name("backup"))
    reserve(ledger, daily(20, 5), name="two")
    assert verify(ledger.path, anchors) == []
    damage(ledger.path)
    with pytest.raises(LedgerFault, match=said or None):
        Ledger.open(ledger.path, anchors=anchors)
    assert any(said in text for text in verify(ledger.path, anchors))
    with pytest.raises(LedgerFault):
        ledger.check([])
    with pytest.raises(LedgerFault):
        reserve(ledger, daily(25, 1), name="three")


def test_a_restored_backup_cannot_be_adopted(ledger: Ledger, anchors: Path) -> None:
    shutil.copy(ledger.path, ledger.path.with_name("backup"))
    reserve(ledger, daily(0, 30))
    _restore_backup(ledger.path)
    with pytest.raises(LedgerFault, match="is behind its anchor: it ends at entry 1"):
        Ledger.adopt(ledger.path, "trust me", anchors=anchors)


def test_two_copies_cannot_both_spend(ledger: Ledger, anchors: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.ledger"
    shutil.copy(ledger.path, copy)
    twin = Ledger.open(copy, anchors=anchors)
    reserve(twin, daily(0, 30))
    with pytest.raises(LedgerFault, match="is behind its anchor"):
        reserve(ledger, daily(0, 30), name="again")


def test_two_copies_do_not_work_at_once(
    ledger: Ledger, anchors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ledger.path, tmp_path / "copy.ledger")
    twin = Ledger.open(tmp_path / "copy.ledger", anchors=anchors)
    monkeypatch.setattr("dp.ledger.chain.WAIT_S", 0.05)
    with ledger._chain.locked(), pytest.raises(LedgerBusy):
        reserve(twin, daily(0, 1))


def test_a_moved_ledger_keeps_its_anchor(ledger: Ledger, anchors: Path, tmp_path: Path) -> None:
    (reservation,) = reserve(ledger, daily(0, 1))
    with ledger.exclusive():
        draw(ledger, reservation)
    moved = tmp_path / "elsewhere"
    ledger.path.parent.rename(moved)
    path = moved / ledger.path.name
    assert verify(path, anchors) == []
    assert Ledger.open(path, anchors=anchors).store.read(reservation.key) == b"noisy"


def test_a_missing_anchor_is_refused_with_the_way_on(
    ledger: Ledger, anchors: Path, tmp_path: Path
) -> None:
    reserve(ledger, daily(0, 30))
    _anchor(anchors).unlink()
    with pytest.raises(LedgerFault, match=r"murmuration ledger adopt bucheon\.ledger --reason"):
        Ledger.open(ledger.path, anchors=anchors)
    assert any("is missing" in text for text in verify(ledger.path, anchors))
    with pytest.raises(LedgerFault, match="is missing"):
        ledger.check([])
    other = tmp_path / "new machine"
    with Ledger.adopt(ledger.path, "moved to another machine", anchors=other) as adopted:
        assert adopted.statement()["notes"] == [
            {"kind": "adopted", "reason": "moved to another machine"}
        ]
        with pytest.raises(BudgetRefused):
            adopted.check(daily(0, 1, table="visits"))
    assert verify(ledger.path, other) == []


def test_adopting_needs_a_reason_a_ledger_and_a_loss(ledger: Ledger, anchors: Path) -> None:
    with pytest.raises(LedgerFault, match="there is nothing to adopt"):
        Ledger.adopt(ledger.path, "why not", anchors=anchors)
    with pytest.raises(LedgerFault, match="a reason must be given"):
        Ledger.adopt(ledger.path, " ", anchors=anchors)
    with pytest.raises(LedgerFault, match="there is no ledger at"):
        Ledger.adopt(ledger.path.with_name("other"), "mine", anchors=anchors)


def test_a_damaged_ledger_cannot_be_adopted(ledger: Ledger, anchors: Path) -> None:
    reserve(ledger, daily(0, 2))
    _anchor(anchors).unlink()
    _change_charge(ledger.path)
    with pytest.raises(LedgerFault, match="entry 2 does not carry the hash"):
        Ledger.adopt(ledger.path, "it was like this", anchors=anchors)


def test_a_vacuumed_ledger_can_be_adopted(ledger: Ledger, anchors: Path) -> None:
    reserve(ledger, daily(0, 2))
    _edit(ledger.path, "PRAGMA page_size = 8192", "VACUUM")
    adopted = Ledger.adopt(ledger.path, "VACUUM by a cron job", anchors=anchors)
    assert adopted.windows(None).rho == Rho.of("1/30")
    assert verify(ledger.path, anchors) == []
    reserve(adopted, daily(0, 3), name="more")


def test_an_old_anchor_does_not_make_the_ledger_forget(ledger: Ledger, anchors: Path) -> None:
    anchor = _anchor(anchors)
    old = anchor.read_bytes()
    reserve(ledger, daily(0, 2))
    anchor.write_bytes(old)
    with pytest.raises(LedgerFault, match=r"1 entries that its anchor .* never saw"):
        Ledger.open(ledger.path, anchors=anchors)
    assert verify(ledger.path, anchors) != []
    assert Ledger.adopt(ledger.path, "home was restored", anchors=anchors).windows(None).rho


def test_a_replaced_anchor_still_counts(ledger: Ledger, anchors: Path) -> None:
    shutil.copy(ledger.path, ledger.path.with_name("backup"))
    reserve(ledger, daily(0, 2))
    _anchor(anchors).write_text("nonsense\n" + _anchor(anchors).read_text())
    newest = Ledger.adopt(ledger.path, "disk fault in the anchor", anchors=anchors)
    assert newest.windows(None).rho == Rho.of("1/30")
    _anchor(anchors).unlink()
    _restore_backup(ledger.path)
    with pytest.raises(LedgerFault, match="is behind its anchor"):
        Ledger.adopt(ledger.path, "trust me", anchors=anchors)


def test_any_changed_byte_of_the_anchor_is_found_or_harmless(ledger: Ledger, anchors: Path) -> None:
    reserve(ledger, daily(0, 2))
    anchor = _anchor(anchors)
    sound = anchor.read_bytes()
    for at in range(len(sound)):
        anchor.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        findings = verify(ledger.path, anchors)
        # Without its last line break the last line reads as cut off by a crash: the head is known.
        assert findings or at == len(sound) - 1, f"byte {at} of the anchor changed unnoticed"
    anchor.write_bytes(sound)
    assert verify(ledger.path, anchors) == []


def test_an_anchor_cut_at_any_byte_is_found_or_the_mark_of_a_crash(
    ledger: Ledger, anchors: Path
) -> None:
    reserve(ledger, daily(0, 2))
    anchor = _anchor(anchors)
    sound = anchor.read_bytes()
    begun = sound.index(b"\n", sound.index(b"begun 2")) + 1
    for cut in range(len(sound)):
        anchor.write_bytes(sound[:cut])
        assert bool(verify(ledger.path, anchors)) is (cut < begun), cut
        if cut >= begun:
            assert Ledger.open(ledger.path, anchors=anchors).windows(None).rho == Rho.of("1/30")


def test_a_backup_restored_right_after_a_crash_is_still_refused_once_it_was_issued(
    ledger: Ledger, anchors: Path
) -> None:
    shutil.copy(ledger.path, ledger.path.with_name("backup"))
    reserve(ledger, daily(0, 2))
    os.truncate(_anchor(anchors), _anchor(anchors).read_bytes().rindex(b"issued") + 2)
    _restore_backup(ledger.path)
    with pytest.raises(LedgerFault, match="is behind its anchor"):
        Ledger.open(ledger.path, anchors=anchors)
    with pytest.raises(LedgerFault, match="is behind its anchor"):
        Ledger.adopt(ledger.path, "trust me", anchors=anchors)


def test_an_anchor_cut_short_in_use_is_refused(ledger: Ledger, anchors: Path) -> None:
    os.truncate(_anchor(anchors), 60)
    with pytest.raises(LedgerFault, match="was cut short while it was in use"):
        ledger.check([])


def test_a_full_disk_books_nothing_twice(
    ledger: Ledger, anchors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite

    def full(fd: int, data: bytes, at: int) -> int:
        return real(fd, data[:20], at)

    for verb in (b"begun", b"issued"):
        with monkeypatch.context() as patch:
            patch.setattr(
                os,
                "pwrite",
                lambda fd, d, at, v=verb: (full if d[:5] == v[:5] else real)(fd, d, at),
            )
            with pytest.raises(LedgerFault, match=r"No space left on device.* no noise was drawn"):
                reserve(ledger, daily(0, 2))
    reserve(ledger, daily(0, 2))
    assert ledger.windows(None).rho == Rho.of("1/30")
    assert verify(ledger.path, anchors) == []


def test_the_anchor_stands_apart_from_the_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerFault, match="must not stand in the ledger's own folder"):
        Ledger.create(tmp_path / "x.ledger", policy_of(), anchors=tmp_path / "sub" / "..")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_anchors_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("MURMURATION_ANCHORS", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert anchor_folder(None) == tmp_path / ".local/state/murmuration/anchors"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert anchor_folder(None) == tmp_path / "state/murmuration/anchors"
    monkeypatch.setenv("MURMURATION_ANCHORS", str(tmp_path / "named"))
    assert anchor_folder(None) == tmp_path / "named"
    assert anchor_folder(tmp_path) == tmp_path
    with Ledger.create(tmp_path / "x.ledger", policy_of()) as made:
        assert (tmp_path / "named" / f"{made.id}.anchor").is_file()


def test_an_anchor_of_another_ledger_is_refused(ledger: Ledger, anchors: Path) -> None:
    other = Anchor(anchors, sha("other")[:32])
    other.create()
    shutil.copy(other.path, _anchor_of(anchors, ledger))
    other.path.unlink()
    with pytest.raises(LedgerFault, match="does not start as it should"):
        Ledger.open(ledger.path, anchors=anchors)


def _anchor_of(anchors: Path, ledger: Ledger) -> Path:
    return anchors / f"{ledger.id}.anchor"


def test_a_ledger_is_created_once(ledger: Ledger, anchors: Path, tmp_path: Path) -> None:
    with pytest.raises(LedgerFault, match="exists: a ledger is created once"):
        Ledger.create(ledger.path, policy_of(), anchors=anchors)
    with pytest.raises(LedgerFault, match="there is no folder"):
        Ledger.create(tmp_path / "none" / "x.ledger", policy_of(), anchors=anchors)
    with pytest.raises(LedgerFault, match=r"there is no ledger at .*murmuration ledger create"):
        Ledger.open(tmp_path / "x.ledger", anchors=anchors)
    assert verify(tmp_path / "x.ledger", anchors) == [f"there is no ledger at {tmp_path}/x.ledger"]


def test_a_new_ledger_does_not_take_over_another_ones_store(ledger: Ledger, anchors: Path) -> None:
    (reservation,) = reserve(ledger, daily(0, 1))
    with ledger.exclusive():
        draw(ledger, reservation)
    ledger.path.unlink()
    with pytest.raises(LedgerFault, match="holds the measurements of another ledger"):
        Ledger.create(ledger.path, policy_of(), anchors=anchors)
