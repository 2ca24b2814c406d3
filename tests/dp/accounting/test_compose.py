"""Spends add up, and the worst window is the worst one."""

from __future__ import annotations

import datetime as dt
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dp.accounting import Spend, compose, epsilon, worst_window
from dp.ledger.window import add, runs_of, worst
from dp.loss import Loss, Rho

START = dt.date(2026, 3, 1)
VALUES = json.loads((Path(__file__).parent / "dp_accounting_windows.json").read_text())


def _spend(*days: int, rho: str = "1/60", delta: str = "0") -> Spend:
    reads = tuple(START + dt.timedelta(days=n) for n in days)
    loss = Loss(Rho.of(rho), Fraction(delta))
    return Spend(table="presence", reads=reads, loss=loss, kind="discrete_gaussian")


@st.composite
def _spends(draw: st.DrawFn) -> list[Spend]:
    days = st.lists(st.integers(0, 25), min_size=1, max_size=6, unique=True).map(sorted)
    rho = st.fractions(Fraction(1, 50), Fraction(1, 2), max_denominator=50)
    delta = st.sampled_from([Fraction(0), Fraction(1, 10**7)])
    return [
        _spend(*draw(days), rho=str(draw(rho)), delta=str(draw(delta)))
        for _ in range(draw(st.integers(0, 8)))
    ]


def _worst_by_hand(spends: list[Spend], days: int) -> Loss:
    worst_rho, worst_delta = Fraction(0), Fraction(0)
    for first in range(-days - 1, 40):
        window = {START + dt.timedelta(days=first + k) for k in range(days)}
        met = [spend for spend in spends if window & set(spend.reads)]
        worst_rho = max(worst_rho, sum((s.loss.rho.value for s in met), Fraction(0)))
        worst_delta = max(worst_delta, sum((s.loss.delta for s in met), Fraction(0)))
    return Loss(Rho(worst_rho), worst_delta)


@settings(deadline=None, max_examples=150)
@given(_spends(), st.integers(1, 12))
def test_worst_window_equals_trying_every_window(spends: list[Spend], days: int) -> None:
    assert worst_window(spends, days) == _worst_by_hand(spends, days)


@given(_spends())
def test_the_whole_series_is_the_composition_of_all(spends: list[Spend]) -> None:
    assert worst_window(spends, None) == compose(spends)
    assert worst_window(spends, 60) == compose(spends)


def test_thirty_daily_charges_of_a_sixtieth_make_one_half() -> None:
    year = [_spend(n) for n in range(365)]
    assert worst_window(year, 30) == Loss(Rho.of("1/2"))
    assert worst_window(year, 1) == Loss(Rho.of("1/60"))
    assert compose(year) == Loss(Rho.of("365/60"))


def test_a_table_that_looks_back_is_charged_by_every_window_it_meets() -> None:
    looks_back = [_spend(*range(n, n + 14)) for n in range(60)]
    assert worst_window(looks_back, 30) == Loss(Rho.of("1/60") * (30 + 14 - 1))


def test_a_window_between_two_read_dates_is_not_charged() -> None:
    sparse = [_spend(0, 20), _spend(10)]
    assert worst_window(sparse, 5) == Loss(Rho.of("1/60"))
    assert worst_window(sparse, 11) == Loss(Rho.of("2/60"))


def test_a_spend_without_dates_or_with_unordered_dates_is_refused() -> None:
    with pytest.raises(ValueError, match="must name the dates"):
        _spend()
    with pytest.raises(ValueError, match="in order, each once"):
        _spend(3, 1)
    with pytest.raises(ValueError, match="in order, each once"):
        _spend(1, 1)


def test_a_window_of_no_dates_is_refused() -> None:
    with pytest.raises(ValueError, match="1 date or more, got 0"):
        worst_window([], 0)


@settings(deadline=None, max_examples=80)
@given(_spends(), st.one_of(st.none(), st.integers(1, 12)))
def test_the_ledgers_own_sums_agree(spends: list[Spend], days: int | None) -> None:
    from dp.ledger.window import add, runs_of, worst

    sums: dict = {}
    for spend in spends:
        add(sums, runs_of(spend.reads), spend.loss)
    assert worst(sums, days).loss == worst_window(spends, days)


@pytest.mark.parametrize("row", VALUES["worst"], ids=lambda row: f"{row['days']} dates")
def test_the_worst_window_agrees_with_dp_accounting(row: dict[str, Any]) -> None:
    """Daily, weekly, monthly and scattered reads; dp-accounting tried every window by itself."""
    spends = [_spend(*charge["reads"], rho=charge["rho"]) for charge in VALUES["charges"]]
    ours = epsilon(worst_window(spends, row["days"]), VALUES["delta"])
    assert ours == pytest.approx(row["zcdp_epsilon"], rel=1e-6)
    assert ours <= row["zcdp_epsilon"], "their grid of orders can only be worse"
    booked: dict[Any, Any] = {}
    for spend in spends:
        add(booked, runs_of(spend.reads), spend.loss)
    assert worst(booked, row["days"]).loss == worst_window(spends, row["days"])


def test_those_windows_differ_and_reads_over_dates_count_in_each() -> None:
    """Else agreeing would be cheap: a sum over dates alone gives other figures."""
    found = [row["zcdp_epsilon"] for row in VALUES["worst"]]
    assert found == sorted(found)
    spends = [_spend(*charge["reads"], rho=charge["rho"]) for charge in VALUES["charges"]]
    late = [_spend(c["reads"][-1], rho=c["rho"]) for c in VALUES["charges"]]
    for days in (7, 30):
        assert worst_window(late, days) != worst_window(spends, days)
