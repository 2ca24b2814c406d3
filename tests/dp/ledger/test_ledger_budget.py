"""The cap: kept in every window, refused with dates and figures, charged once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from _ledgers import (
    DAY,
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
from hypothesis import given, settings
from hypothesis import strategies as st

from dp.accounting import Spend, worst_window
from dp.errors import BudgetRefused, LedgerFault, PolicyMismatch
from dp.ledger import Charge, Ledger, verify
from dp.ledger.refusal import refuse_unfit, shortfall, show
from dp.ledger.window import Pair, Runs, add
from dp.loss import Loss, Rho

ASKED = st.lists(
    st.tuples(
        st.sets(st.integers(0, 30), min_size=1, max_size=5),
        st.fractions(min_value=0, max_value=1, max_denominator=12),
        st.fractions(min_value=0, max_value=Fraction(1, 2), max_denominator=12),
    ),
    max_size=40,
)


def _charge(number: int, reads: set[int], rho: Fraction, delta: Fraction) -> Charge:
    days = tuple(dates(k)[0] for k in sorted(reads))
    return charge_of(*days, rho=str(rho or Fraction(1, 99)), delta=str(delta), issue=number)


def _over_cap(charges: list[Charge], days: int | None, cap: Loss) -> list[object]:
    """Windows beyond the cap, each added up on its own."""
    starts = range(-60, 60) if days else [0]
    over = []
    for start in starts:
        window = set(dates(start, days)) if days else {d for c in charges for d in c.reads}
        met = [c for c in charges if window & set(c.reads)]
        rho = sum(c.loss.rho.value for c in met)
        delta = sum(c.loss.delta for c in met)
        if rho > cap.rho.value or delta > cap.delta:
            over.append((start, rho, delta))
    return over


@settings(deadline=None)
@given(ASKED, st.one_of(st.none(), st.integers(1, 12)), st.integers(1, 3), st.integers(1, 4))
def test_no_sequence_of_charges_passes_the_cap_of_any_window(
    asked: list[tuple[set[int], Fraction, Fraction]], days: int | None, size: int, cap: int
) -> None:
    limit = Loss(Rho(Fraction(cap)), Fraction(cap, 5))
    sums: dict[Runs, Pair] = {}
    granted: list[Charge] = []
    charges = [_charge(n, *parts) for n, parts in enumerate(asked)]
    for at in range(0, len(charges), size):
        batch = charges[at : at + size]
        new: dict[Runs, Pair] = {}
        for charge in batch:
            add(new, charge.runs, charge.loss)
        fits = not _over_cap(granted + batch, days, limit)
        try:
            refuse_unfit(sums, new, days=days, cap=limit)
        except BudgetRefused:
            assert not fits, "a batch that fits every window was refused"
            continue
        assert fits, "a batch that breaks a window was granted"
        granted += batch
        for charge in batch:
            add(sums, charge.runs, charge.loss)


@settings(deadline=None)
@given(ASKED, st.integers(1, 12))
def test_what_is_said_to_fit_does_fit_and_no_more(
    asked: list[tuple[set[int], Fraction, Fraction]], days: int
) -> None:
    limit = Loss(Rho(Fraction(1)), Fraction(1, 3))
    charges = [_charge(n, *parts) for n, parts in enumerate(asked)]
    new: dict[Runs, Pair] = {}
    for charge in charges:
        add(new, charge.runs, charge.loss)
    short = shortfall({}, new, days=days, cap=limit)
    if short is None:
        return
    for factor, fits in ((short.factor, True), (short.factor * Fraction(101, 100), False)):
        scaled = {runs: (rho * factor, delta * factor) for runs, (rho, delta) in new.items()}
        assert (shortfall({}, scaled, days=days, cap=limit) is None) is fits
    window = set(dates((short.first - DAY).days, days))
    met = [c for c in charges if window & set(c.reads)]
    assert short.asked[0] == sum(c.loss.rho.value for c in met)


@settings(max_examples=8, deadline=None)
@given(ASKED.filter(lambda asked: len(asked) < 8), st.one_of(st.none(), st.integers(1, 9)))
def test_a_whole_ledger_keeps_the_cap(
    tmp_path_factory: pytest.TempPathFactory,
    asked: list[tuple[set[int], Fraction, Fraction]],
    days: int | None,
) -> None:
    folder = tmp_path_factory.mktemp("random")
    policy = policy_of(rho="1", delta="1/1000000", days=days)
    ledger = Ledger.create(folder / "x.ledger", policy, anchors=folder / "anchors")
    granted: list[Charge] = []
    for n, parts in enumerate(asked):
        charge = _charge(n, parts[0], parts[1], parts[2] / 500_000)
        with suppress(BudgetRefused):
            reserve(ledger, [charge], name=str(n))
            granted.append(charge)
    assert not _over_cap(granted, days, policy.cap)
    spends = [Spend(table=c.table, reads=c.reads, loss=c.loss, kind="x") for c in granted]
    assert ledger.windows(days) == worst_window(spends, days)
    assert verify(ledger.path, folder / "anchors") == []


def test_a_full_window_refuses_more_and_says_which_dates_and_how_much(ledger: Ledger) -> None:
    reserve(ledger, daily(0, 30))
    with pytest.raises(BudgetRefused) as caught:
        ledger.check([charge_of(*dates(10), rho="1/120", table="visits")])
    said = str(caught.value)
    assert "2026-02-11 to 2026-03-12" not in said, "that window holds 11 charges only"
    assert "the budget of the window 2026-03-02 to 2026-03-31 is short" in said
    assert "rho 1/120 (0.00833333) was asked, 1/2 (0.5) is charged, the cap is 1/2 (0.5)" in said
    assert "short by 1/120 (0.00833334)" in said
    assert "Nothing more fits there" in said
    assert said.endswith("Nothing was charged.")


def test_a_refusal_says_what_would_fit(ledger: Ledger) -> None:
    reserve(ledger, daily(0, 28))
    with pytest.raises(BudgetRefused) as caught:
        ledger.check(daily(28, 1, rho="1/20"))
    assert "What fits: rho 1/30 (0.0333333) in that window, 2/3 (0.666666)" in str(caught.value)
    ledger.check(daily(28, 1, rho="1/30"))


def test_rounded_figures_err_on_the_safe_side() -> None:
    odd = Fraction(10**9 + 7, 3 * 10**10 + 1)
    assert show(odd) == "0.0333333"
    assert Fraction(show(odd)) < odd < Fraction(show(odd, up=True))
    assert show(Fraction(3)) == "3"


def test_delta_is_capped_as_rho_is(ledger: Ledger) -> None:
    reserve(ledger, [charge_of(*dates(0), delta="1/100000000")])
    with pytest.raises(BudgetRefused, match=r"delta 1/1000000000 .*cap is 1/100000000"):
        ledger.check([charge_of(*dates(1), delta="1/1000000000")])
    ledger.check([charge_of(*dates(30), delta="1/100000000")])
    ledger.check(daily(1, 1))


def test_a_window_without_any_delta_refuses_delta(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / "x", policy_of(delta="0"), anchors=tmp_path / "a")
    with pytest.raises(BudgetRefused, match="delta"):
        ledger.check([charge_of(*dates(0), delta="1/1000000000000")])


def test_budget_comes_back_when_the_window_has_rolled_past(ledger: Ledger) -> None:
    reserve(ledger, [charge_of(*dates(0), rho="1/2")])
    with pytest.raises(BudgetRefused):
        ledger.check(daily(29, 1))
    ledger.check([charge_of(*dates(30), rho="1/2")])
    ledger.check([charge_of(*dates(-30), rho="1/2")])


def test_a_look_back_counts_in_every_window_it_reads(ledger: Ledger) -> None:
    reserve(ledger, [charge_of(*dates(0, 14), rho="1/2", table="home")])
    for day in (-29, 0, 13, 42):
        with pytest.raises(BudgetRefused):
            ledger.check(daily(day, 1))
    ledger.check(daily(-30, 1) + daily(43, 1))


def test_asking_again_costs_nothing_and_writes_nothing(ledger: Ledger) -> None:
    first = reserve(ledger, daily(0, 30))
    head = ledger.head
    assert reserve(ledger, daily(0, 30)) == first
    assert ledger.head == head
    assert ledger.windows(30).rho == Rho.of("1/2")


def test_a_charge_shared_by_two_releases_is_paid_once(ledger: Ledger) -> None:
    reserve(ledger, daily(0, 2), name="one")
    shared = reserve(ledger, daily(1, 2), name="two")
    assert [r.release_id for r in shared] == ["daily-mobility-0002"] * 2
    assert ledger.windows(None).rho == Rho.of("3/60")


def test_release_ids_count_up_and_stay(ledger: Ledger) -> None:
    for name, expected in (("a", "0001"), ("b", "0002"), ("a", "0001"), ("c", "0003")):
        days = daily({"a": 0, "b": 1, "c": 2}[name], 1)
        (booked,) = reserve(ledger, days, name=name)
        assert booked.release_id == f"daily-mobility-{expected}"
    assert ledger.release_id(sha("b")) == "daily-mobility-0002"
    assert ledger.release_id(sha("never")) is None


def test_one_key_cannot_mean_two_things(ledger: Ledger) -> None:
    charge = charge_of(*dates(0))
    reserve(ledger, [charge])
    for other in (replace(charge, reads=dates(1)), replace(charge, table="visits")):
        with pytest.raises(LedgerFault, match="is booked for other dates"):
            reserve(ledger, [other], name="other")
    with pytest.raises(LedgerFault, match="is booked for other dates"):
        ledger.check([charge_of(*dates(9)), replace(charge_of(*dates(9)), reads=dates(8))])


def test_a_repeated_charge_in_one_request_is_booked_once(ledger: Ledger) -> None:
    both = reserve(ledger, daily(0, 1) * 2)
    assert both[0] == both[1]
    assert ledger.windows(None).rho == Rho.of("1/60")


def test_a_known_key_comes_back_as_it_was_booked(ledger: Ledger) -> None:
    charge = charge_of(*dates(0))
    reserve(ledger, [charge])
    changed = replace(charge, detail={"noise": "another"})
    assert reserve(ledger, [changed])[0].charge.detail == charge.detail


def test_a_date_whose_span_moved_is_refused(ledger: Ledger) -> None:
    charges = daily(0, 1)
    spans = spans_of(charges)
    ledger.reserve(release_of(), charges, spans=spans)
    moved = {DAY: (spans[DAY][0] + 3600, spans[DAY][1])}
    with pytest.raises(PolicyMismatch, match="2026-03-02 now stands for other instants"):
        ledger.reserve(release_of(), charges, spans=moved)


@pytest.mark.parametrize("neighbour", [-1, 1])
def test_a_date_that_overlaps_its_booked_neighbour_is_refused(
    ledger: Ledger, neighbour: int
) -> None:
    reserve(ledger, daily(0, 1))
    other = daily(neighbour, 1, table="visits")
    ((day, (start_s, end_s)),) = spans_of(other).items()
    with pytest.raises(PolicyMismatch, match=f"{day} now stands for"):
        ledger.reserve(release_of("b"), other, spans={day: (start_s - 3600, end_s + 3600)})


def test_dates_that_overlap_within_one_request_are_refused(ledger: Ledger) -> None:
    charges = daily(0, 2)
    spans = spans_of(charges)
    spans[DAY] = (spans[DAY][0], spans[DAY][1] + 1)
    with pytest.raises(PolicyMismatch, match="2026-03-02 now stands for other instants"):
        ledger.reserve(release_of(), charges, spans=spans)


def test_a_span_must_be_given_for_every_date(ledger: Ledger) -> None:
    with pytest.raises(LedgerFault, match="the span of time of 2026-03-03 must be given"):
        ledger.reserve(release_of(), daily(0, 2), spans=spans_of(daily(0, 1)))


@pytest.mark.parametrize("ask", [lambda ledger: ledger.check([]), lambda ledger: ledger.spends()])
def test_questions_write_nothing(ledger: Ledger, ask: Callable[[Ledger], object]) -> None:
    before = ledger.path.read_bytes(), ledger.head
    ask(ledger)
    assert (ledger.path.read_bytes(), ledger.head) == before


def test_the_statement_is_exact_and_has_no_secret(ledger: Ledger) -> None:
    with ledger.exclusive():
        draw(ledger, reserve(ledger, [*daily(0, 2), charge_of(*dates(0, 2), table="home")])[0])
    plain = ledger.statement()
    assert plain["dates"] == [
        {
            "date": day,
            "rho": "1/30",
            "delta": "0",
            "remaining_rho": "9/20",
            "remaining_delta": "1/100000000",
        }
        for day in ("2026-03-02", "2026-03-03")
    ]
    windows = {row["days"]: row["rho"] for row in plain["windows"]}  # type: ignore[attr-defined]
    assert windows == {1: "1/30", 7: "1/20", 30: "1/20", 365: "1/20", None: "1/20"}
    assert plain["open_charges"] == 2
    assert ledger.secret.hex() not in str(plain)
    assert ledger.secret.hex() not in repr(ledger._book)


def test_a_statement_without_a_window_shares_one_cap(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / "x", policy_of(days=None), anchors=tmp_path / "a")
    reserve(ledger, daily(0, 2))
    rows = ledger.statement()["dates"]
    assert [row["remaining_rho"] for row in rows] == ["7/15", "7/15"]  # type: ignore[attr-defined]


def test_spends_tell_the_accountant_table_dates_loss_and_law(ledger: Ledger) -> None:
    reserve(ledger, [charge_of(*dates(0, 3), table="home")])
    (spend,) = ledger.spends()
    assert (spend.table, spend.reads, spend.kind, spend.steps) == (
        "home",
        dates(0, 3),
        "discrete_gaussian",
        12.5,
    )
    assert spend.loss == Loss(Rho.of("1/60"))
