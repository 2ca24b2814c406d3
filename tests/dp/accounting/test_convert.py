"""Epsilon is certified: never below the exact formula, never far above it."""

from __future__ import annotations

import json
import math
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dp.accounting import Spend, epsilon, gaussian_auc, gaussian_mu, nearly_gaussian
from dp.loss import Loss, Rho

VALUES = json.loads((Path(__file__).parent / "dp_accounting_values.json").read_text())
RHOS = st.fractions(Fraction(1, 10**6), Fraction(50), max_denominator=10**6)
DELTAS = st.floats(1e-14, 0.1)


def _loss(rho: str, delta: str = "0") -> Loss:
    return Loss(Rho.of(rho), Fraction(delta))


def _exact_epsilon(rho: Fraction, delta: Fraction, t: float) -> Decimal:
    """The formula of order a = 1 + t with fifty digits."""
    with localcontext() as context:
        context.prec = 50
        r = Decimal(rho.numerator) / Decimal(rho.denominator)
        d = Decimal(delta.numerator) / Decimal(delta.denominator)
        order = 1 + Decimal(t)
        return order * r + (-d.ln() - order.ln()) / Decimal(t) + (1 - 1 / order).ln()


def _exact_best(rho: Fraction, delta: Fraction) -> Decimal:
    """The least value over orders, by a fine search of its own."""
    low, high = -40.0, 40.0
    for _ in range(90):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if _exact_epsilon(rho, delta, math.exp(left)) < _exact_epsilon(rho, delta, math.exp(right)):
            high = right
        else:
            low = left
    return _exact_epsilon(rho, delta, math.exp(low))


def test_the_default_policy_reads_five_point_two_two_and_a_year_twenty_three_point_three() -> None:
    assert f"{epsilon(_loss('1/2'), 1e-6):.2f}" == "5.22"
    assert f"{float(_loss('365/60').rho):.2f}" == "6.08"
    assert f"{epsilon(_loss('365/60'), 1e-6):.1f}" == "23.3"


@pytest.mark.parametrize("row", VALUES["rows"], ids=lambda r: f"{r['rho']}@{r['delta']}")
def test_epsilon_agrees_with_dp_accounting(row: dict[str, float]) -> None:
    ours = epsilon(_loss(str(row["rho"])), row["delta"])
    assert ours == pytest.approx(row["zcdp_epsilon"], rel=1e-6)
    assert ours <= row["zcdp_epsilon"], "their grid of orders can only be worse"
    assert ours > row["gaussian_epsilon"], "zCDP says less than the exact Gaussian curve"


@settings(deadline=None, max_examples=25)
@given(RHOS, DELTAS)
def test_epsilon_is_the_exact_minimum_rounded_up(rho: Fraction, delta: float) -> None:
    exact = _exact_best(rho, Fraction(delta))
    ours = Decimal(epsilon(Loss(Rho(rho)), delta))
    assert ours >= exact
    assert ours <= max(Decimal(0), exact) + Decimal("1e-12") * (1 + abs(exact))


@given(RHOS, DELTAS)
def test_epsilon_holds_for_the_gaussian_mechanism_of_that_rho(rho: Fraction, delta: float) -> None:
    # the exact curve of Gaussian noise: delta(eps) = Phi(mu/2 - eps/mu) - e^eps Phi(-mu/2 - eps/mu)
    from scipy.stats import norm

    eps, mu = epsilon(Loss(Rho(rho)), delta), gaussian_mu(Rho(rho))
    spent = norm.cdf(mu / 2 - eps / mu) - math.exp(eps + norm.logcdf(-mu / 2 - eps / mu))
    assert spent <= delta * (1 + 1e-9) + 1e-15


@given(RHOS, RHOS, DELTAS)
def test_epsilon_grows_with_rho_and_shrinks_with_delta(
    one: Fraction, more: Fraction, delta: float
) -> None:
    small, large = Loss(Rho(one)), Loss(Rho(one + more))
    assert epsilon(small, delta) <= epsilon(large, delta)
    assert epsilon(small, min(0.9, delta * 2)) <= epsilon(small, delta) * (1 + 1e-12)


def test_delta_that_was_spent_is_taken_off_first() -> None:
    spent = _loss("1/2", "9e-7")
    assert epsilon(spent, Fraction("1e-6")) == epsilon(_loss("1/2"), Fraction("1e-7"))
    with pytest.raises(ValueError, match="above the 1e-06 that was spent"):
        epsilon(_loss("1/2", "1e-6"), 1e-6)


def test_nothing_spent_is_epsilon_zero() -> None:
    assert epsilon(_loss("0"), 1e-6) == 0.0


@pytest.mark.parametrize("delta", [0.0, 1.0, -1e-6, 2.0])
def test_a_delta_outside_0_to_1_is_refused(delta: float) -> None:
    with pytest.raises(ValueError, match="delta must lie above"):
        epsilon(_loss("1/2"), delta)


def test_gaussian_forms_agree_with_their_definitions() -> None:
    assert gaussian_mu(Rho.of("1/2")) == 1.0
    assert gaussian_auc(Rho.of("1/2")) == pytest.approx(0.7602499, abs=1e-7)  # Phi(1 / sqrt 2)
    assert gaussian_auc(0.0) == 0.5


def test_gaussian_forms_hold_only_where_every_charge_is_wide_gaussian_noise() -> None:
    import datetime as dt

    def spend(kind: str, steps: float | None, delta: str = "0") -> Spend:
        reads = (dt.date(2026, 3, 2),)
        loss = _loss("1/60", delta)
        return Spend(table="panel", reads=reads, loss=loss, kind=kind, steps=steps)

    wide = spend("discrete_gaussian", 5.0)
    assert nearly_gaussian([wide, wide])
    assert not nearly_gaussian([wide, spend("discrete_gaussian", 4.9)])
    assert not nearly_gaussian([wide, spend("discrete_gaussian", None)])
    assert not nearly_gaussian([wide, spend("discrete_laplace", 50.0)])
    assert not nearly_gaussian([wide, spend("discrete_gaussian", 50.0, "1e-9")])
