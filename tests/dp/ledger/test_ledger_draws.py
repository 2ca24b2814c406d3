"""From reservation to settled release: drawn once, charged for whatever may have been seen."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from _ledgers import (
    charge_of,
    daily,
    dates,
    draw,
    policy_of,
    release_of,
    reserve,
    sha,
    spans_of,
)

from dp.errors import BudgetRefused, LedgerBusy, LedgerFault
from dp.ledger import Ledger, Reservation, verify
from dp.loss import Rho


@pytest.fixture
def booked(ledger: Ledger) -> tuple[Reservation, ...]:
    return reserve(ledger, daily(0, 2))


def _states(ledger: Ledger) -> list[str]:
    return [reservation.state for reservation in ledger.reservations()]


def test_a_release_goes_from_reserved_to_settled(
    ledger: Ledger, booked: tuple[Reservation, ...]
) -> None:
    assert _states(ledger) == ["reserved", "reserved"]
    with ledger.exclusive():
        started = ledger.start_draw(booked[0])
        assert (started.state, started.attempt) == ("draw_started", 1)
        sha256 = ledger.store.write(started.key, started.attempt, b"noisy")
        assert ledger.book_drawn(started, sha256).state == "drawn"
        draw(ledger, booked[1])
        assert ledger.settled(booked[0].release_id) is None
        ledger.settle(booked[0].release_id, sha("manifest"))
    assert ledger.settled(booked[0].release_id) == sha("manifest")
    assert ledger.settled("no-such-release") is None
    assert _states(ledger) == ["settled", "settled"]
    assert [r.state for r in reserve(ledger, daily(0, 2))] == ["settled", "settled"]
    assert ledger.store.read(booked[0].key) == b"noisy"
    assert ledger.windows(None).rho == Rho.of("1/30")


def test_what_stood_when_a_release_was_drawn_whole_never_changes(
    ledger: Ledger, booked: tuple[Reservation, ...]
) -> None:
    digest, keys = release_of().digest, [one.key for one in booked]
    with ledger.exclusive():
        draw(ledger, booked[0])
        with pytest.raises(LedgerFault, match="not drawn yet: run the release again"):
            ledger.when_drawn(digest, keys)
        ledger.start_draw(booked[1])  # cut off, and charged once more
        draw(ledger, booked[1])
    head, then = ledger.head, ledger.when_drawn(digest, keys)
    assert (then.release_id, then.head, then.policy) == ("daily-mobility-0001", head, policy_of())
    assert then.spends == ledger.spends()
    assert len(then.spends) == 3
    assert {*then.charges} == {*keys}
    other, _ = reserve(ledger, [charge_of(*dates(9)), *daily(0, 1)], name="later")
    ledger.amend(policy_of(rho="1/4"), "less from now on")
    assert ledger.when_drawn(digest, keys) == then
    with pytest.raises(LedgerFault, match="not drawn yet"):
        ledger.when_drawn(release_of("later").digest, [other.key, keys[0]])
    with pytest.raises(LedgerFault, match="not drawn yet"):
        ledger.when_drawn(sha("never opened"), keys)


def test_a_release_of_what_others_drew_stands_when_it_is_opened(
    ledger: Ledger, booked: tuple[Reservation, ...]
) -> None:
    with ledger.exclusive():
        for one in booked:
            draw(ledger, one)
    again = reserve(ledger, daily(0, 2), name="again")
    then = ledger.when_drawn(release_of("again").digest, [one.key for one in again])
    assert (then.release_id, then.head) == ("daily-mobility-0002", ledger.head)


def test_nothing_is_drawn_twice(ledger: Ledger, booked: tuple[Reservation, ...]) -> None:
    with ledger.exclusive():
        drawn = draw(ledger, booked[0])
        for stale in (booked[0], drawn):
            with pytest.raises(LedgerFault, match="is drawn already: nothing is drawn twice"):
                ledger.start_draw(stale)
        with pytest.raises(LedgerFault, match="no draw of attempt 1 is under way"):
            ledger.book_drawn(drawn, sha_of_store(ledger, drawn))


def test_a_draw_that_was_cut_off_is_charged_again(
    ledger: Ledger, booked: tuple[Reservation, ...]
) -> None:
    with ledger.exclusive():
        first = ledger.start_draw(booked[0])
        again = ledger.start_draw(booked[0])
        assert again.attempt == 2
        assert ledger.windows(None).rho == Rho.of("3/60")
        assert len(ledger.spends()) == 3
        ledger.store.write(first.key, 1, b"first")
        with pytest.raises(LedgerFault, match="no draw of attempt 1 is under way"):
            ledger.book_drawn(first, sha("first"))
        sha256 = ledger.store.write(again.key, 2, b"second")
        ledger.book_drawn(again, sha256)
    assert ledger.store.read(booked[0].key) == b"second"
    assert verify(ledger.path, ledger._anchor.parent) == []


def test_a_second_charge_must_fit_the_cap_too(ledger: Ledger) -> None:
    (reservation, *_) = reserve(ledger, daily(0, 30))
    with ledger.exclusive():
        ledger.start_draw(reservation)
        with pytest.raises(BudgetRefused, match="short by 1/60"):
            ledger.start_draw(reservation)
    assert ledger.windows(30).rho == Rho.of("1/2")
    assert ledger.reservations()[0].attempt == 1


def test_only_what_was_never_started_can_be_given_back(
    ledger: Ledger, booked: tuple[Reservation, ...]
) -> None:
    ledger.void(booked[1])
    assert ledger.windows(None).rho == Rho.of("1/60")
    with pytest.raises(LedgerFault, match="was voided, or never reserved"):
        ledger.void(booked[1])
    with ledger.exclusive():
        with pytest.raises(LedgerFault, match="was voided, or never reserved"):
            ledger.start_draw(booked[1])
        started = ledger.start_draw(booked[0])
        with pytest.raises(LedgerFault, match="is draw_started: only what was never drawn"):
            ledger.void(booked[0])
        ledger.book_drawn(started, ledger.store.write(started.key, 1, b"noisy"))
        with pytest.raises(LedgerFault, match="is drawn: only what was never drawn"):
            ledger.void(booked[0])


def test_a_voided_charge_can_be_reserved_again_and_pays_again(
    ledger: Ledger, booked: tuple[Reservation, ...]
) -> None:
    ledger.void(booked[1])
    again = reserve(ledger, daily(0, 2))
    assert [(r.state, r.attempt) for r in again] == [("reserved", 1)] * 2
    assert ledger.windows(None).rho == Rho.of("1/30")


def test_a_draw_is_booked_only_once_it_is_stored(
    ledger: Ledger, booked: tuple[Reservation, ...]
) -> None:
    with ledger.exclusive():
        started = ledger.start_draw(booked[0])
        with pytest.raises(LedgerFault, match="cannot be read"):
            ledger.book_drawn(started, sha("noisy"))
        ledger.store.write(started.key, 1, b"noisy")
        with pytest.raises(LedgerFault, match="was changed since it was drawn"):
            ledger.book_drawn(started, sha("other"))
    assert _states(ledger)[0] == "draw_started"


def test_a_release_is_settled_once_and_only_when_all_is_drawn(
    ledger: Ledger, booked: tuple[Reservation, ...]
) -> None:
    name = booked[0].release_id
    with ledger.exclusive():
        draw(ledger, booked[0])
        with pytest.raises(LedgerFault, match="not drawn yet: 1 charges are open"):
            ledger.settle(name, sha("m"))
        draw(ledger, booked[1])
        with pytest.raises(LedgerFault, match="no release has the id other-0001"):
            ledger.settle("other-0001", sha("m"))
        ledger.settle(name, sha("m"))
        head = ledger.head
        ledger.settle(name, sha("m"))
        assert ledger.head == head
        with pytest.raises(LedgerFault, match="settled already, with another manifest"):
            ledger.settle(name, sha("n"))


def test_a_settled_release_cannot_grow(ledger: Ledger, booked: tuple[Reservation, ...]) -> None:
    with ledger.exclusive():
        for reservation in booked:
            draw(ledger, reservation)
        ledger.settle(booked[0].release_id, sha("m"))
    with pytest.raises(LedgerFault, match="give the spec a new `issue`"):
        reserve(ledger, daily(0, 3))
    assert ledger.windows(None).rho == Rho.of("1/30")


def test_an_open_release_may_change_its_mind(ledger: Ledger) -> None:
    reserve(ledger, daily(0, 2))
    (kept,) = reserve(ledger, daily(1, 1))
    with ledger.exclusive():
        draw(ledger, kept)
        ledger.settle(kept.release_id, sha("m"))


def test_a_settled_charge_is_shared_without_a_draw(ledger: Ledger) -> None:
    (first,) = reserve(ledger, daily(0, 1), name="one")
    with ledger.exclusive():
        draw(ledger, first)
        ledger.settle(first.release_id, sha("m"))
        (shared,) = reserve(ledger, daily(0, 1), name="two")
        assert shared.state == "settled"
        ledger.settle(shared.release_id, sha("n"))
    assert ledger.settled("daily-mobility-0002") == sha("n")


WRITES: dict[str, Callable[[Ledger, Reservation], object]] = {
    "start_draw": lambda ledger, r: ledger.start_draw(r),
    "book_drawn": lambda ledger, r: ledger.book_drawn(r, sha("x")),
    "settle": lambda ledger, r: ledger.settle(r.release_id, sha("x")),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_drawing_needs_the_right_to_draw(
    ledger: Ledger,
    booked: tuple[Reservation, ...],
    write: Callable[[Ledger, Reservation], object],
) -> None:
    with pytest.raises(LedgerFault, match=r"belongs inside `with ledger.exclusive\(\):`"):
        write(ledger, booked[0])


def test_one_holds_the_right_to_draw_and_the_other_is_told(ledger: Ledger) -> None:
    other = Ledger.open(ledger.path, anchors=ledger._anchor.parent)
    other._drawing._wait_s = 0.05
    with ledger.exclusive():
        with pytest.raises(LedgerBusy, match="another process is releasing"), other.exclusive():
            pytest.fail("two held the right to draw")
        other.check(daily(0, 1))
    with other.exclusive():
        reserve(other, daily(0, 1))


@pytest.mark.parametrize("way", [Path.symlink_to, lambda new, old: shutil.copy(old, new)])
def test_another_name_or_a_copy_does_not_give_a_second_right_to_draw(
    ledger: Ledger, anchors: Path, tmp_path: Path, way: Callable[[Path, Path], object]
) -> None:
    way(tmp_path / "other.ledger", ledger.path)
    other = Ledger.open(tmp_path / "other.ledger", anchors=anchors)
    other._drawing._wait_s = 0.05
    with ledger.exclusive(), pytest.raises(LedgerBusy), other.exclusive():
        pytest.fail("two held the right to draw")


def test_a_ledger_in_use_elsewhere_for_long_says_so(ledger: Ledger) -> None:
    other = Ledger.open(ledger.path, anchors=ledger._anchor.parent)
    from dp.ledger import chain

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain, "WAIT_S", 0.05)
        with ledger._chain.locked(), pytest.raises(LedgerBusy, match="has been writing to"):
            other.check([])


def test_two_open_ledgers_see_each_other(ledger: Ledger) -> None:
    other = Ledger.open(ledger.path, anchors=ledger._anchor.parent)
    reserve(ledger, daily(0, 15), name="one")
    reserve(other, daily(15, 15), name="two")
    for each in (ledger, other):
        with pytest.raises(BudgetRefused):
            each.check([charge_of(*dates(7), table="visits")])
    assert ledger.statement() == other.statement()
    assert ledger.has_head(other.head)
    assert not ledger.has_head(other.head._replace(hash="0" * 64))
    assert not ledger.has_head(other.head._replace(seq=99))
    assert not ledger.has_head(other.head._replace(seq=0))


def test_the_spans_are_those_that_were_booked(ledger: Ledger) -> None:
    charges = daily(0, 2)
    ledger.reserve(release_of(), charges, spans=spans_of(charges))
    assert ledger.spans() == spans_of(charges)


def sha_of_store(ledger: Ledger, reservation: Reservation) -> str:
    return sha(ledger.store.read(reservation.key).decode())
