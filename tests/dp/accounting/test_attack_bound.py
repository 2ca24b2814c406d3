"""No binary test beats the bound: Gaussian, discrete and random mechanisms, by brute force."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import optimize
from scipy.stats import norm

from dp.accounting import attack_bound
from dp.loss import Rho

UNIT = st.floats(1e-12, 1.0)
RHO = st.floats(1e-4, 20.0)


def _divergence(p: tuple[float, float], q: tuple[float, float], order: float) -> float:
    """Renyi divergence of two distributions on two points."""
    terms = [order * math.log(a) + (1 - order) * math.log(b) for a, b in zip(p, q, strict=True)]
    return float(np.logaddexp(*terms)) / (order - 1)


def _rho_of(p: float, q: float) -> float:
    """The least rho for which the pair of coins is rho-zCDP: a grid of orders, then refined."""
    one, two = (p, 1 - p), (q, 1 - q)

    def cost(log_t: float) -> float:
        a = 1 + math.exp(log_t)
        return -max(_divergence(one, two, a), _divergence(two, one, a)) / a

    grid = np.linspace(-12, 12, 200)
    near = grid[int(np.argmin([cost(x) for x in grid]))]
    best = optimize.minimize_scalar(cost, bounds=(near - 0.2, near + 0.2), method="bounded")
    return -best.fun * (1 + 1e-9) + 1e-12


@given(UNIT, RHO)
def test_the_closed_form_is_the_least_over_orders(p_out: float, rho: float) -> None:
    def at(log_t: float) -> float:
        t = math.exp(log_t)
        return t / (1 + t) * math.log(p_out) + t * rho

    found = optimize.minimize_scalar(at, bounds=(-60, 12), method="bounded")
    least = math.exp(min(0.0, found.fun))
    assert attack_bound(p_out, rho) <= least * (1 + 1e-6)
    assert attack_bound(p_out, rho) >= min(1.0, math.exp(min(0.0, _least(p_out, rho)))) * (1 - 1e-9)


def _least(p_out: float, rho: float) -> float:
    """log of the minimum by its stationary point a = sqrt(log(1/p) / rho)."""
    order = math.sqrt(-math.log(p_out) / rho)
    if order <= 1:
        return 0.0
    return (order - 1) / order * math.log(p_out) + (order - 1) * rho


@given(RHO, st.floats(-8, 8))
def test_gaussian_tests_stay_below_the_bound(rho: float, cut: float) -> None:
    mu = math.sqrt(2 * rho)
    assert norm.sf(cut - mu) <= attack_bound(float(norm.sf(cut)), rho) * (1 + 1e-12)


@settings(deadline=None)
@given(st.floats(1e-9, 1 - 1e-9), st.floats(1e-9, 1 - 1e-9))
def test_random_binary_mechanisms_stay_below_the_bound(p: float, q: float) -> None:
    assume(p != q)
    rho = _rho_of(p, q)
    for with_person, without in ((p, q), (q, p), (1 - p, 1 - q), (1 - q, 1 - p)):
        assert with_person <= attack_bound(without, rho) * (1 + 1e-9)


@given(st.floats(0.01, 6.0))
def test_randomised_response_stays_below_the_bound(eps: float) -> None:
    yes = math.exp(eps) / (1 + math.exp(eps))
    assert yes <= attack_bound(1 - yes, eps**2 / 2)  # Bun and Steinke 2016, Proposition 1.4


@given(RHO)
def test_gaussian_tests_break_a_bound_for_half_the_rho(rho: float) -> None:
    cuts = np.linspace(-10, 12, 100)
    with_person, without = norm.sf(cuts - math.sqrt(2 * rho)), norm.sf(cuts)
    bounds = [attack_bound(float(p), rho / 2) for p in without]
    assert np.any(with_person > bounds), "the bound is so loose that half the noise would pass"


@given(UNIT, RHO, st.floats(0, 0.5))
def test_a_spent_delta_adds_at_least_itself_and_at_most_its_share(
    p_out: float, rho: float, delta: float
) -> None:
    bound = attack_bound(p_out, rho, delta=delta)
    assert bound >= min(1.0, delta + (1 - delta) * attack_bound(p_out, rho)) * (1 - 1e-12)
    assert bound <= 1.0


def test_edges_are_exact() -> None:
    assert attack_bound(0.0, 0.5) == 0.0
    assert attack_bound(1.0, 0.0) == 1.0
    assert attack_bound(0.9, 5.0) == 1.0
    assert attack_bound(0.25, 0.0) == pytest.approx(0.25, rel=1e-11)
    assert attack_bound(0.0, 0.5, delta=0.25) == pytest.approx(0.25, rel=1e-12)
    assert attack_bound(0.01, Rho(Fraction(1, 10))) == attack_bound(0.01, 0.1)
    assert attack_bound(0.0, 0.5, delta=Fraction(1, 3)) >= Fraction(1, 3)


@pytest.mark.parametrize(
    ("p_out", "rho", "delta"), [(-0.1, 1, 0), (1.1, 1, 0), (0.5, -1, 0), (0.5, 1, 1), (0.5, 1, -1)]
)
def test_values_out_of_range_are_refused(p_out: float, rho: float, delta: float) -> None:
    with pytest.raises(ValueError, match="p_out must lie in 0 to 1"):
        attack_bound(p_out, rho, delta=delta)
