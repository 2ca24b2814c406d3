"""Costs are OpenDP's, scales are the textbook's, and what integers cannot hold is refused."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dp.bounds import Bounds
from dp.errors import BoundError
from dp.law import NoiseLaw
from dp.loss import Rho
from dp.mechanisms import Mechanism, gaussian, laplace

ONE = Bounds(l0=1, l1=1, l2_squared=1, linf=1)
RHOS = st.fractions(Fraction(1, 10**6), Fraction(1, 2), max_denominator=10**7)
BOUNDS = st.builds(
    lambda n, v: Bounds(l0=n, l1=n * v, l2_squared=n * v * v, linf=v),
    st.integers(1, 1000),
    st.integers(1, 10**5),
)
MAKERS = pytest.mark.parametrize("make", [gaussian, laplace])
Make = Callable[..., Mechanism]


@settings(deadline=None, max_examples=150)
@given(BOUNDS, RHOS)
def test_cost_is_at_most_what_was_allotted_and_hardly_less(bounds: Bounds, rho: Fraction) -> None:
    for make in (gaussian, laplace):
        cost = make(bounds, Rho(rho)).cost
        assert cost.delta == 0
        assert rho * (1 - Fraction(1, 10**6)) <= cost.rho.value <= rho


@settings(deadline=None, max_examples=60)
@given(BOUNDS, RHOS)
def test_cost_is_never_below_the_exact_cost_of_the_scale(bounds: Bounds, rho: Fraction) -> None:
    normal, double = gaussian(bounds, Rho(rho)), laplace(bounds, Rho(rho))
    assert normal.cost.rho.value >= bounds.l2_squared / (2 * Fraction(normal.law.scale) ** 2)
    assert double.cost.rho.value >= (bounds.l1 / Fraction(double.law.scale)) ** 2 / 2


@settings(deadline=None, max_examples=60)
@given(BOUNDS, RHOS)
def test_cost_equals_opendps_map_with_its_prelude(bounds: Bounds, rho: Fraction) -> None:
    import opendp.prelude as odp

    odp.enable_features("contrib")
    vectors = odp.vector_domain(odp.atom_domain(T="i64"))
    normal, double = gaussian(bounds, Rho(rho)), laplace(bounds, Rho(rho))
    theirs = odp.m.make_gaussian(vectors, odp.l2_distance(T="f64"), scale=normal.law.scale)
    assert normal.cost.rho.value == Fraction(theirs.map(bounds.l2))
    theirs = odp.m.make_laplace(vectors, odp.l1_distance(T="i64"), scale=double.law.scale)
    assert double.cost.rho.value == Fraction(theirs.map(bounds.l1)) ** 2 / 2


@settings(deadline=None, max_examples=60)
@given(BOUNDS, RHOS, st.sampled_from([1, 64, 4096]))
def test_sd_is_the_textbooks_within_one_percent(bounds: Bounds, rho: Fraction, factor: int) -> None:
    law = gaussian(bounds, Rho(rho), factor).law
    assert law.sd == pytest.approx(math.sqrt(bounds.l2_squared / (2 * rho)) / factor, rel=0.01)
    law = laplace(bounds, Rho(rho), factor).law
    wide = bounds.l1 / math.sqrt(2 * rho)
    if wide > 5:
        assert law.sd == pytest.approx(math.sqrt(2) * wide / factor, rel=0.01)


def test_drawn_sd_is_the_textbooks_within_one_percent() -> None:
    bounds = Bounds(l0=67108864, l1=67108864, l2_squared=4 * 4096**2, linf=8192)
    noise = gaussian(bounds, Rho.of("1/60"), 4096).draw(np.zeros(200_000, dtype=np.int64))
    # the sd of 200,000 draws is itself known to 0.16%
    assert noise.std() / 4096 == pytest.approx(math.sqrt(4 / (2 / 60)), rel=0.01)


def test_a_mechanism_cannot_claim_a_cost() -> None:
    with pytest.raises(TypeError):
        Mechanism(NoiseLaw("discrete_gaussian", 1.0), ONE, cost=None)  # type: ignore[call-arg]


@MAKERS
def test_calls_and_processes_never_repeat_noise(make: Make) -> None:
    mechanism, totals = make(ONE, Rho.of("1/200")), np.zeros(3000, dtype=np.int64)
    drawn = [mechanism.draw(totals) for _ in range(3)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        drawn += list(pool.map(mechanism.draw, [totals, totals]))
    for i, one in enumerate(drawn):
        for other in drawn[i + 1 :]:
            assert abs(np.corrcoef(one, other)[0, 1]) < 6 / totals.size**0.5


@MAKERS
def test_a_mechanism_survives_being_sent_to_a_process(make: Make) -> None:
    mechanism = make(ONE, Rho.of("1/60"), 3)
    assert pickle.loads(pickle.dumps(mechanism)) == mechanism


@MAKERS
def test_any_layout_in_memory_is_read_right(make: Make) -> None:
    mechanism = make(ONE, Rho.of("20"))  # a scale near 0.16: nearly every cell gets 0
    base = np.arange(4000, dtype=np.int64) * 1000
    for view in (base[::-1], base[::2], base.reshape(2, -1).T[:, 1]):
        assert np.abs(mechanism.draw(view) - view).max() < 50


@MAKERS
def test_the_totals_are_left_as_they_were(make: Make) -> None:
    totals = np.arange(100, dtype=np.int64)
    totals.setflags(write=False)
    make(ONE, Rho.of("1/60")).draw(totals)
    assert np.array_equal(totals, np.arange(100))


@MAKERS
def test_no_cells_need_no_noise(make: Make) -> None:
    assert make(ONE, Rho.of("1/60")).draw(np.zeros(0, dtype=np.int64)).size == 0


@MAKERS
@pytest.mark.parametrize("dtype", [np.uint64, np.int32, np.float64, np.bool_, np.uint8])
def test_only_signed_64_bit_integers_get_noise(make: Make, dtype: type) -> None:
    with pytest.raises(BoundError, match="signed 64-bit integers"):
        make(ONE, Rho.of("1/60")).draw(np.zeros(4, dtype=dtype))


@MAKERS
def test_a_table_of_cells_is_refused(make: Make) -> None:
    with pytest.raises(BoundError, match="flat int64 vector"):
        make(ONE, Rho.of("1/60")).draw(np.zeros((2, 2), dtype=np.int64))


@MAKERS
@pytest.mark.parametrize("total", [2**62, -(2**62), 2**63 - 1, -(2**63)])
def test_totals_near_overflow_are_refused_without_being_told(make: Make, total: int) -> None:
    with pytest.raises(BoundError, match="too large") as refused:
        make(ONE, Rho.of("1/60")).draw(np.array([0, total]))
    assert str(total) not in str(refused.value)


@MAKERS
def test_bounds_near_overflow_are_refused(make: Make) -> None:
    huge = Bounds(l0=1, l1=2**62, l2_squared=2**124, linf=2**62)
    with pytest.raises(BoundError, match="does not fit 64-bit integers"):
        make(huge, Rho.of("1/60"))
    wide = Bounds(l0=1, l1=2**40, l2_squared=2**80, linf=2**40)
    with pytest.raises(BoundError, match="does not fit 64-bit integers"):
        make(wide, Rho.of("1e-9"))


@MAKERS
def test_rho_zero_is_refused(make: Make) -> None:
    with pytest.raises(BoundError, match="needs a share above 0"):
        make(ONE, Rho.of(0))


@MAKERS
def test_a_rho_so_large_that_no_noise_is_left_is_refused(make: Make) -> None:
    with pytest.raises(BoundError, match="almost without noise"):
        make(ONE, Rho.of("10000"))


def test_a_map_that_asks_for_more_than_the_textbook_is_never_overruled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from dp.mechanisms import _opendp

    monkeypatch.setattr(_opendp, "rho", lambda *_: Fraction(1, 59))
    with pytest.raises(BoundError, match="OpenDP's map stays above rho 1/60"):
        gaussian(ONE, Rho.of("1/60"))


@pytest.mark.parametrize("scale", [0.0, -1.0, 0.1, math.nan, math.inf])
def test_no_law_has_a_scale_of_nearly_zero(scale: float) -> None:
    with pytest.raises(ValueError, match=r"scale must be 0\.125 or more"):
        NoiseLaw("discrete_gaussian", scale)
