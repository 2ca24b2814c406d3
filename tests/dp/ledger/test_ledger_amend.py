"""Amendments tighten, are recorded, and change what past charges count for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from _ledgers import DAY, charge_of, daily, dates, draw, policy_of, release_of, reserve, spans_of
from hypothesis import given
from hypothesis import strategies as st

from dp.errors import BudgetRefused, LedgerBusy, LedgerFault, PolicyError
from dp.ledger import Ledger, verify
from dp.ledger.entries import START, link
from dp.ledger.replay import FORMAT, apply, begin
from dp.ledger.state import Book
from dp.loss import Rho

TIGHTER: dict[str, dict[str, object]] = {
    "lower cap": {"rho": "1/3"},
    "lower delta": {"delta": "0"},
    "longer window": {"days": 31},
    "whole series": {"days": None},
    "more ids": {"ids": 2},
    "larger population": {"population": 900_000},
    "ids that change": {"id_rotation": "monthly"},
    "nothing": {},
}
LOOSER: dict[str, tuple[dict[str, object], str]] = {
    "higher cap": ({"rho": "51/100"}, "cap_rho 51/100 is above 1/2"),
    "higher delta": ({"delta": "1/10000000"}, "cap_delta 1/10000000 is above 1/100000000"),
    "shorter window": ({"days": 29}, "window_days 29 is shorter than 30"),
    "device": ({"ids": None}, "ids_per_person_per_date None is less than the attested 1"),
    "smaller population": ({"population": 1000}, "population 1000 is below 800000"),
    "time zone": ({"time_zone": "UTC"}, "time_zone is Asia/Seoul for the whole series"),
    "day start": ({"day_starts": "03:00"}, "day_starts is 04:00 for the whole series"),
    "tighter and looser": ({"rho": "1/3", "days": 7}, "window_days 7 is shorter"),
}


@pytest.mark.parametrize("fields", TIGHTER.values(), ids=TIGHTER.keys())
def test_a_policy_may_tighten(ledger: Ledger, anchors: Path, fields: dict[str, object]) -> None:
    new = policy_of(**fields)  # type: ignore[arg-type]
    ledger.amend(new, "the officer decided")
    for each in (ledger, Ledger.open(ledger.path, anchors=anchors)):
        assert each.policy == new
        assert each.statement()["notes"] == [{"kind": "amended", "reason": "the officer decided"}]
    assert verify(ledger.path, anchors) == []


@pytest.mark.parametrize(("fields", "said"), LOOSER.values(), ids=LOOSER.keys())
def test_a_policy_never_loosens(ledger: Ledger, fields: dict[str, object], said: str) -> None:
    head = ledger.head
    with pytest.raises(PolicyError) as caught:
        ledger.amend(policy_of(**fields), "please")  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert ledger.policy == policy_of()
    assert ledger.head == head


def test_nothing_comes_back_once_it_was_tightened(tmp_path: Path) -> None:
    first = policy_of(days=None, ids=None, id_rotation="daily")
    ledger = Ledger.create(tmp_path / "x", first, anchors=tmp_path / "a")
    for fields in ({"days": 400}, {"id_rotation": "never"}):
        with pytest.raises(PolicyError, match=r"shorter than the whole series|declared 'daily'"):
            ledger.amend(policy_of(**{"days": None, "id_rotation": "daily"} | fields), "please")  # type: ignore[arg-type]
    ledger.amend(policy_of(days=None, id_rotation="daily"), "one id a person, attested")
    with pytest.raises(PolicyError, match="less than the attested 1"):
        ledger.amend(first, "please")


def _said(*numbers: int) -> str:
    """An ``id_rotation`` of these dates, counted from the first date of the tests."""
    return ", ".join(str(date) for number in numbers for date in dates(number))


@pytest.fixture
def charged(ledger: Ledger) -> Ledger:
    """Dates 0 to 15 are charged: all of them by one measurement, and the last by another."""
    reserve(ledger, [charge_of(*dates(0, 16), table="home"), *daily(15, 1)])
    return ledger


def test_later_rotations_are_added_one_after_the_other(charged: Ledger, anchors: Path) -> None:
    for numbers in ((16,), (40, 16), (16, 30, 40), (16, 30, 40, 41)):
        charged.amend(policy_of(id_rotation=_said(*numbers)), "the operator told us")
    again = Ledger.open(charged.path, anchors=anchors)
    assert again.policy.rotations == tuple(one for n in (16, 30, 40, 41) for one in dates(n))
    reserve(charged, [charge_of(*dates(16, 14), table="home")], name="next")
    charged.amend(policy_of(id_rotation="2026-04-01,2026-03-18; 2026-04-12 and 2026-04-11"), "same")
    assert again.windows(30) == charged.windows(30)
    assert verify(charged.path, anchors) == []


EARLIER: dict[str, tuple[str, str, str]] = {
    "within": ("never", _said(7), "2026-03-09 is not after 2026-03-17, the last date"),
    "the first": ("never", _said(0), "2026-03-02 is not after 2026-03-17"),
    "long before": ("never", "2020-01-01", "2020-01-01 is not after 2026-03-17"),
    "the last": (_said(40), _said(15, 40), "2026-03-17 is not after 2026-03-17"),
    "later and earlier": (_said(40), _said(3, 40, 50), "2026-03-05 is not after 2026-03-17"),
    "removed": (_said(20, 40), _said(20), "no longer names 2026-04-11"),
    "moved": (_said(20, 40), _said(20, 41), "no longer names 2026-04-11"),
    "undone": (_said(20), "never", "no longer names 2026-03-22"),
    "words for dates": (_said(20), "monthly", "was declared '2026-03-22'"),
    "dates for words": ("monthly", _said(40), "was declared 'monthly'"),
    "words": ("never", "monthly", "'monthly' does not say on which dates, and home followed"),
    "dates in words": ("never", f"{_said(40)}, then monthly", "does not say on which dates"),
}


@pytest.mark.parametrize(("was", "now", "said"), EARLIER.values(), ids=EARLIER.keys())
def test_other_changes_of_what_was_said_of_identifiers_are_refused(
    tmp_path: Path, was: str, now: str, said: str
) -> None:
    ledger = Ledger.create(tmp_path / "x", policy_of(id_rotation=was), anchors=tmp_path / "a")
    reserve(ledger, [charge_of(*dates(0, 16), table="home")])
    head = ledger.head
    with pytest.raises(PolicyError) as caught:
        ledger.amend(policy_of(id_rotation=now), "please")
    assert said in str(caught.value)
    assert (ledger.policy, ledger.head) == (policy_of(id_rotation=was), head)


def test_words_are_taken_where_no_charge_followed_an_identifier(ledger: Ledger) -> None:
    reserve(ledger, daily(0, 10))
    ledger.amend(policy_of(id_rotation="daily"), "found out")
    assert ledger.policy.rotations is None


def test_what_was_given_back_does_not_hold_a_rotation_off(charged: Ledger) -> None:
    with charged.exclusive():
        for one in charged.reservations():
            charged.void(one)
    charged.amend(policy_of(id_rotation=_said(7)), "nothing was drawn")


def test_a_rotation_lies_behind_what_a_moved_date_has_read(charged: Ledger, anchors: Path) -> None:
    """A charge of the last date read an hour that now belongs to the next one."""
    (last,) = dates(15)
    start_s, end_s = charged.spans()[last]
    moved = {last: (start_s, end_s - 3600)}
    with pytest.raises(PolicyError, match="2026-03-18 is not after 2026-03-18"):
        charged.amend(policy_of(id_rotation=_said(16)), "both at once", spans=moved)
    charged.amend(policy_of(), "time zone data", spans=moved)
    with pytest.raises(PolicyError, match="2026-03-18 is not after 2026-03-18"):
        charged.amend(policy_of(id_rotation=_said(16)), "and then")
    charged.amend(policy_of(id_rotation=_said(17)), "a date later")
    assert verify(charged.path, anchors) == []


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("charge"), st.integers(0, 40), st.integers(1, 12)),
        st.tuples(st.just("rotate"), st.sets(st.integers(0, 60), max_size=3), st.booleans()),
        st.tuples(st.just("move"), st.integers(0, 50), st.sampled_from([(0, -3600), (3600, 0)])),
    ),
    max_size=14,
)


@given(STEPS)
def test_no_charge_ever_reads_both_sides_of_a_declared_rotation(
    steps: list[tuple[str, Any, Any]],
) -> None:
    """The planner's rule and the ledger's together, in any order of charges and amendments."""
    book = _empty_book()
    for number, (kind, what, how) in enumerate(steps):
        if kind == "charge":
            reads = dates(what, how)
            if any(reads[0] < date <= reads[-1] for date in book.policy.rotations or ()):
                continue  # the planner refuses it
            _book_charge(book, reads, number)
            continue
        policy, spans = book.policy, {}
        if kind == "rotate":
            kept = () if how else book.policy.rotations or ()
            named = {*kept, *(date for n in what for date in dates(n))}
            said = ", ".join(map(str, sorted(named))) or "never"
            policy = policy_of(id_rotation=said)
        elif (day := dates(what)[0]).toordinal() in book.spans:
            start_s, end_s = book.spans[day.toordinal()]
            spans = {day.isoformat(): [start_s + how[0], end_s + how[1]]}
        before = book.policy.rotations or ()
        with suppress(LedgerFault):
            payload = {"policy": policy.as_dict(), "reason": "x", "spans": spans}
            apply(book, link(book.head, "amended", payload))
        fresh = {*(book.policy.rotations or ())} - {*before}
        assert {*before} <= {*(book.policy.rotations or ())}
        for item in book.items.values():
            for date in fresh:
                assert item.runs[-1][1] < date.toordinal(), "a past charge meets a new rotation"
        for item in book.items.values():
            reads = item.charge.reads
            assert not any(reads[0] < one <= reads[-1] for one in book.policy.rotations or ())


def _empty_book() -> Book:
    payload = {
        "format": FORMAT,
        "ledger": "0" * 32,
        "policy": policy_of().as_dict(),
        "secret": "0" * 64,
    }
    return begin(link(START, "created", payload))


def _book_charge(book: Book, reads: tuple[dt.date, ...], number: int) -> None:
    charge = charge_of(*reads, rho="1/100000", issue=number)
    spans = spans_of([charge])
    fresh = {d.isoformat(): list(s) for d, s in spans.items() if d.toordinal() not in book.spans}
    name = f"r-{len(book.releases) + 1:04d}"
    release = {"digest": charge.key, "id": name, "keys": [charge.key]}
    payload = {"release": release, "charges": [charge.as_dict()], "spans": fresh}
    apply(book, link(book.head, "reserved", payload))


def test_an_amendment_needs_a_reason_and_no_running_release(ledger: Ledger, anchors: Path) -> None:
    with pytest.raises(LedgerFault, match="a reason must be given"):
        ledger.amend(policy_of(rho="1/3"), " ")
    other = Ledger.open(ledger.path, anchors=anchors)
    other._drawing._wait_s = 0.05
    with ledger.exclusive(), pytest.raises(LedgerBusy):
        other.amend(policy_of(rho="1/3"), "now")


def test_a_lower_cap_lets_the_past_stand_and_stops_more(ledger: Ledger, anchors: Path) -> None:
    reserve(ledger, daily(0, 25))
    ledger.amend(policy_of(rho="1/3"), "more careful")
    assert ledger.windows(30).rho == Rho.of("25/60")
    with pytest.raises(BudgetRefused, match="cap is 1/3"):
        ledger.check(daily(25, 1))
    ledger.check(daily(54, 20))
    assert verify(ledger.path, anchors) == []


def test_a_longer_window_meets_more_of_the_past(ledger: Ledger, anchors: Path) -> None:
    reserve(ledger, daily(0, 30))
    ledger.check(daily(35, 1, rho="1/12"))
    ledger.amend(policy_of(days=60), "two months")
    with pytest.raises(BudgetRefused):
        ledger.check(daily(35, 1, rho="1/12"))
    assert verify(ledger.path, anchors) == []


def test_a_past_beyond_a_lowered_delta_does_not_stop_charges_without_any(ledger: Ledger) -> None:
    reserve(ledger, [charge_of(*dates(0), delta="1/100000000")])
    ledger.amend(policy_of(delta="0"), "no more delta")
    ledger.check(daily(1, 1))
    with pytest.raises(BudgetRefused, match="delta"):
        ledger.check([charge_of(*dates(60), delta="1/100000000000")])


def test_more_ids_make_the_past_cost_their_square(ledger: Ledger, anchors: Path) -> None:
    (reservation,) = reserve(ledger, daily(0, 1))
    with pytest.raises(PolicyError, match="while charges are booked and undrawn"):
        ledger.amend(policy_of(ids=3), "three phones")
    with ledger.exclusive():
        ledger.start_draw(reservation)
        draw(ledger, reservation)
    ledger.amend(policy_of(ids=3), "three phones")
    assert ledger.windows(30).rho == Rho.of("18/60"), "two attempts, nine times each"
    assert verify(ledger.path, anchors) == []


def test_more_ids_are_refused_where_delta_was_charged(ledger: Ledger) -> None:
    (reservation,) = reserve(ledger, [charge_of(*dates(0), delta="1/100000000")])
    with ledger.exclusive():
        draw(ledger, reservation)
    with pytest.raises(PolicyError, match="once charges with delta are booked"):
        ledger.amend(policy_of(ids=2), "two phones")
    ledger.amend(policy_of(rho="1/3"), "more careful")


MOVES: dict[str, tuple[int, int, set[int]]] = {
    "starts later": (3600, 0, {-1}),
    "ends earlier": (0, -3600, {1}),
    "starts earlier": (-3600, 0, set()),
    "ends later": (0, 3600, set()),
    "shifted": (3600, 3600, {-1}),
    "shrunk": (1800, -1800, {-1, 1}),
}


@pytest.mark.parametrize(("start_s", "end_s", "also"), MOVES.values(), ids=MOVES.keys())
def test_a_moved_date_lets_the_past_count_for_what_it_read(
    ledger: Ledger, anchors: Path, start_s: int, end_s: int, also: set[int]
) -> None:
    charges = [*daily(0, 1), charge_of(*dates(10, 2), table="home")]
    spans = spans_of(charges)
    ledger.reserve(release_of(), charges, spans=spans)
    moved = {DAY: (spans[DAY][0] + start_s, spans[DAY][1] + end_s)}
    ledger.amend(ledger.policy, "new time zone data", spans=moved)
    assert ledger.spans()[DAY] == moved[DAY]
    one, home = ledger.spends()
    assert {(day - DAY).days for day in one.reads} == {0} | also
    assert home.reads == dates(10, 2)
    assert ledger.reserve(release_of(), charges, spans=spans | moved)[0].state == "reserved"
    assert verify(ledger.path, anchors) == []


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        (lambda s: {dates(5)[0]: s}, "span of 2026-03-07 is not booked"),
        (lambda s: {DAY: (s[0] - 86_400, s[1])}, "would move by a day or more"),
    ],
)
def test_a_span_that_cannot_be_amended_is_refused(
    ledger: Ledger, moved: Callable[[tuple[int, int]], dict[object, tuple[int, int]]], said: str
) -> None:
    charges = daily(0, 1)
    reserve(ledger, charges)
    with pytest.raises(PolicyError, match=said):
        ledger.amend(ledger.policy, "why not", spans=moved(spans_of(charges)[DAY]))  # type: ignore[arg-type]
