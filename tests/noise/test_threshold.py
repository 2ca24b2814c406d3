"""Thresholds: delta is never below the law's own tail, and what leaves reached the threshold."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dp.accounting import epsilon
from dp.bounding import Sampling, Weighting
from dp.bounds import Bounds
from dp.errors import BoundError
from dp.law import NoiseKind
from dp.loss import Loss, Rho
from dp.mechanisms import Threshold, _opendp, gaussian, threshold

FOUR = Sampling(4, bytes(32)).bounds
ONE = Bounds(l0=1, l1=1, l2_squared=1, linf=1)
ALLOTTED = Loss(Rho.of("1/60"), Fraction("1e-9"))
KINDS = pytest.mark.parametrize("kind", ["discrete_gaussian", "discrete_laplace"])
BOUNDS = st.builds(
    lambda n, v: Bounds(l0=n, l1=n * v, l2_squared=n * v * v, linf=v),
    st.integers(1, 300),
    st.integers(1, 50),
)
LOSSES = st.builds(
    lambda rho, tenths: Loss(Rho(rho), Fraction(1, 10**tenths)),
    st.fractions(Fraction(1, 2000), Fraction(1, 2), max_denominator=10**4),
    st.integers(3, 11),
)


def reached(kind: NoiseKind, scale: float, steps: int) -> float:
    """Return P(X >= steps) by the law itself, for steps above 0."""
    if kind == "discrete_laplace":
        return math.exp(-steps / scale) / (1 + math.exp(-1 / scale))
    wide = math.ceil(12 * scale) + 12
    mass = [math.exp(-0.5 * (x / scale) ** 2) for x in range(-wide, wide + 1)]
    tail = [math.exp(-0.5 * (x / scale) ** 2) for x in range(steps, steps + wide)]
    return math.fsum(tail) / math.fsum(mass)


def true_delta(mechanism: Threshold, steps_off: int = 0) -> float:
    """Return the chance that one of a person's own cells is released, each as full as may be."""
    law, bounds = mechanism.law, mechanism.bounds
    p = reached(law.kind, law.scale, mechanism.threshold + steps_off - bounds.linf)
    return -math.expm1(bounds.l0 * math.log1p(-p))


@settings(deadline=None, max_examples=80)
@given(BOUNDS, LOSSES, st.sampled_from(["discrete_gaussian", "discrete_laplace"]))
def test_delta_is_at_least_the_laws_and_within_what_was_allotted(
    bounds: Bounds, loss: Loss, kind: NoiseKind
) -> None:
    mechanism = threshold(bounds, loss, kind=kind)
    assert mechanism.cost.fits(loss)
    assert float(mechanism.cost.delta) >= true_delta(mechanism) * (1 - 1e-9)
    if mechanism.threshold > bounds.linf + 2:
        lower = Threshold(mechanism.noise, mechanism.threshold - 1)
        assert lower.cost.delta > loss.delta, "a lower threshold would have done"


@KINDS
def test_the_delta_of_the_bug_would_be_too_small(kind: NoiseKind) -> None:
    mechanism = threshold(ONE, Loss(Rho.of("1/2"), Fraction("1e-4")), kind=kind)
    law = mechanism.law
    reported = _opendp.threshold_delta(
        law.kind, law.scale, ONE, threshold=mechanism.threshold + 1
    )  # what OpenDP says of the threshold itself
    assert float(reported) < true_delta(mechanism) < float(mechanism.cost.delta) * (1 + 1e-9)


@KINDS
def test_delta_is_close_to_the_laws_at_usual_sizes(kind: NoiseKind) -> None:
    mechanism = threshold(FOUR, ALLOTTED, kind=kind)
    assert 1 <= float(mechanism.cost.delta) / true_delta(mechanism) * (1 + 1e-6) < 1.5


def test_the_threshold_is_the_textbooks() -> None:
    mechanism = threshold(FOUR, ALLOTTED)
    assert mechanism.law.sd == pytest.approx(math.sqrt(4 * 30), rel=1e-6)
    assert mechanism.least == pytest.approx(1 + 6.24 * mechanism.law.sd, abs=2)
    assert mechanism.cost.rho == gaussian(FOUR, ALLOTTED.rho).cost.rho


def test_lattice_units_do_not_move_the_threshold() -> None:
    fine = Bounds(l0=4, l1=4 * 64, l2_squared=4 * 64**2, linf=64)
    assert threshold(fine, ALLOTTED, 64).least == pytest.approx(
        threshold(FOUR, ALLOTTED).least, abs=3
    )


@KINDS
def test_one_persons_cell_is_released_as_often_as_delta_says(kind: NoiseKind) -> None:
    trials = 100_000
    mechanism = threshold(ONE, Loss(Rho.of("1/8"), Fraction(1, 50)), kind=kind)
    cells = np.arange(trials, dtype=np.int64)
    kept, values = mechanism.draw(cells, np.ones(trials, dtype=np.int64))
    expected = true_delta(mechanism)
    slack = 6 * math.sqrt(expected / trials)
    assert kept.size / trials == pytest.approx(expected, abs=slack)
    assert kept.size / trials < float(mechanism.cost.delta) + slack
    assert values.min() >= mechanism.threshold
    wrong = true_delta(mechanism, steps_off=1)  # one step off, as in the bug, would be noticed
    assert abs(kept.size / trials - wrong) > slack


def test_large_cells_pass_with_the_noise_of_the_law(
    fit: Callable[..., tuple[float, float]],
) -> None:
    mechanism = threshold(FOUR, ALLOTTED)
    cells = np.arange(60_000, dtype=np.int64) * 3
    kept, values = mechanism.draw(cells, np.full(60_000, 100_000, dtype=np.int64))
    assert np.array_equal(kept, cells)
    noise = values - 100_000
    assert min(fit(noise, mechanism.law.kind, mechanism.law.scale)) > 1e-7
    assert max(fit(noise, mechanism.law.kind, mechanism.law.scale * 1.1)) < 1e-12


def test_a_cell_leaves_exactly_where_it_reaches_the_threshold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mechanism = threshold(FOUR, ALLOTTED)
    monkeypatch.setattr(_opendp, "add_noise", lambda _k, _s, totals, **_: totals)
    totals = np.array([1, 2, 3], dtype=np.int64) + mechanism.threshold - 2
    kept, values = mechanism.draw(np.array([5, 8, 9]), totals)
    assert kept.tolist() == [8, 9]
    assert values.tolist() == [mechanism.threshold, mechanism.threshold + 1]


def test_no_listed_cells_release_nothing() -> None:
    none = np.zeros(0, dtype=np.int64)
    kept, values = threshold(FOUR, ALLOTTED).draw(none, none)
    assert kept.size == values.size == 0


@pytest.mark.parametrize("totals", [[0, 1], [1, -1], [1]])
def test_only_listed_cells_above_zero_get_noise(totals: list[int]) -> None:
    with pytest.raises(BoundError, match="above 0"):
        threshold(FOUR, ALLOTTED).draw(np.array([1, 2]), np.array(totals))


def test_more_identifiers_raise_noise_threshold_and_delta() -> None:
    one, two = threshold(FOUR, ALLOTTED), threshold(FOUR.times(2), ALLOTTED)
    assert two.law.scale == pytest.approx(2 * one.law.scale)
    assert two.threshold > 1.9 * one.threshold
    at_one = Threshold(replace(one.noise, bounds=FOUR.times(2)), one.threshold)
    assert at_one.cost.delta > 2 * one.cost.delta


def test_delta_zero_is_refused() -> None:
    with pytest.raises(BoundError, match="delta 0 is allotted"):
        threshold(FOUR, Loss(Rho.of("1/60")))


def test_a_delta_that_doubles_cannot_certify_is_refused_with_a_way_out() -> None:
    with pytest.raises(BoundError, match=r"67,108,864 cells: keep fewer .* sampling"):
        threshold(Weighting(cap=4).bounds, ALLOTTED, 4096)


def test_a_threshold_that_one_person_reaches_is_refused() -> None:
    noise = gaussian(ONE, Rho.of("1/60"))
    with pytest.raises(BoundError, match="would publish one person's cell"):
        Threshold(noise, 2)


def test_a_threshold_cannot_claim_a_cost() -> None:
    with pytest.raises(TypeError):
        Threshold(gaussian(ONE, Rho.of("1/60")), 50, cost=None)  # type: ignore[call-arg]


def test_delta_counts_against_the_delta_of_a_statement() -> None:
    cost = threshold(FOUR, ALLOTTED).cost
    assert epsilon(cost, 1e-6) > epsilon(Loss(cost.rho), 1e-6)
    with pytest.raises(ValueError, match="that was spent"):
        epsilon(cost, cost.delta)
