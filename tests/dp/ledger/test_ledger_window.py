"""Sums over windows: exact, quick, and the same as counting by hand."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest
from _ledgers import DAY, dates
from hypothesis import given, settings
from hypothesis import strategies as st

from dp.ledger.window import Pair, Runs, add, dates_of, runs_of, steps, window_dates, worst
from dp.loss import Loss, Rho

READS = st.sets(st.integers(0, 40), min_size=1, max_size=6)
LOSSES = st.fractions(min_value=0, max_value=1, max_denominator=60)
CHARGES = st.lists(st.tuples(READS, LOSSES, LOSSES), max_size=12)
DAYS = st.integers(1, 15)


def _date(offset: int) -> dt.date:
    return DAY + dt.timedelta(days=offset)


def _sums(charges: list[tuple[set[int], Fraction, Fraction]]) -> dict[Runs, Pair]:
    sums: dict[Runs, Pair] = {}
    for reads, rho, delta in charges:
        add(sums, runs_of(map(_date, sorted(reads))), Loss(Rho(rho), delta / 60))
    return sums


def _by_hand(
    charges: list[tuple[set[int], Fraction, Fraction]], start: int, days: int
) -> tuple[Fraction, Fraction]:
    window = set(range(start, start + days))
    met = [(rho, delta) for reads, rho, delta in charges if reads & window]
    return sum((r for r, _ in met), Fraction(0)), sum((d / 60 for _, d in met), Fraction(0))


@settings(max_examples=60, deadline=None)
@given(CHARGES, DAYS)
def test_every_window_sums_what_counting_by_hand_gives(
    charges: list[tuple[set[int], Fraction, Fraction]], days: int
) -> None:
    found = {
        first + k - DAY.toordinal(): pair
        for first, last, (pair,) in steps(days, _sums(charges))
        for k in range(last - first + 1)
    }
    for start in range(-20, 60):
        nothing = (Fraction(0), Fraction(0))
        assert found.get(start, nothing) == _by_hand(charges, start, days)
    assert all(-20 < start < 60 for start in found)


@settings(max_examples=60, deadline=None)
@given(CHARGES, DAYS)
def test_the_worst_window_is_the_largest_sum_of_any(
    charges: list[tuple[set[int], Fraction, Fraction]], days: int
) -> None:
    found = worst(_sums(charges), days)
    by_hand = [_by_hand(charges, start, days) for start in range(-20, 60)]
    assert found.rho == max(rho for rho, _ in by_hand)
    assert found.delta == max(delta for _, delta in by_hand)
    if found.dates:
        start = (found.dates[0] - DAY).days
        assert _by_hand(charges, start, days)[0] == found.rho
        assert (found.dates[1] - found.dates[0]).days == days - 1


@settings(max_examples=60, deadline=None)
@given(CHARGES)
def test_the_whole_series_is_one_window(
    charges: list[tuple[set[int], Fraction, Fraction]],
) -> None:
    assert worst(_sums(charges), None).rho == sum(rho for _, rho, _ in charges)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), DAYS)
def test_a_table_that_looks_back_over_l_dates_meets_w_plus_l_minus_1_windows(
    look_back: int, days: int
) -> None:
    sums: dict[Runs, Pair] = {}
    add(sums, runs_of(dates(0, look_back)), Loss(Rho.of(1)))
    met = sum(last - first + 1 for first, last, ((rho, _),) in steps(days, sums) if rho == 1)
    assert met == days + look_back - 1


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20))
def test_a_daily_table_that_looks_back_is_charged_w_plus_l_minus_1_times(
    look_back: int, days: int
) -> None:
    sums: dict[Runs, Pair] = {}
    for day in range(60):
        add(sums, runs_of(dates(day, look_back)), Loss(Rho.of(1)))
    assert worst(sums, days).rho == days + look_back - 1


def test_taking_a_charge_back_leaves_nothing() -> None:
    sums: dict[Runs, Pair] = {}
    runs, loss = runs_of(dates(0)), Loss(Rho.of("1/3"), Fraction(1, 7))
    add(sums, runs, loss)
    add(sums, runs, loss, times=-1)
    assert worst(sums, 30).loss == Loss(Rho.of(0))
    assert worst(sums, 30).dates is None


@pytest.mark.parametrize("days", [1, 30, None])
def test_no_charges_meet_nothing(days: int | None) -> None:
    assert worst({}, days).rho == 0


def test_dates_survive_as_runs() -> None:
    scattered = dates(0, 3) + dates(5) + dates(9, 2)
    assert dates_of(runs_of(scattered)) == scattered
    assert len(runs_of(scattered)) == 3


def test_the_series_window_spans_all_dates_read() -> None:
    book = {runs_of(dates(0, 3)): (Fraction(1), Fraction(0))}
    other = {runs_of(dates(40)): (Fraction(1), Fraction(0))}
    first = next(steps(None, book, other))[0]
    assert window_dates(first, None, book, other) == (_date(0), _date(40))
