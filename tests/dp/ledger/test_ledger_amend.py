"""Amendments tighten, are recorded, and change what past charges count for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from _ledgers import DAY, charge_of, daily, dates, draw, policy_of, release_of, reserve, spans_of

from dp.errors import BudgetRefused, LedgerBusy, LedgerFault, PolicyError
from dp.ledger import Ledger, verify
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
