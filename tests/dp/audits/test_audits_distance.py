"""Distances between neighbours: exact norms, and costs that no allowed change exceeds."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dp.audits.distance import (
    difference,
    exceeded,
    norms,
    quadratic_form,
    rho_of,
    sparse_difference,
)
from dp.bounds import Bounds
from dp.law import NoiseLaw
from dp.loss import Rho
from dp.mechanisms import gaussian, laplace

VECTORS = st.lists(st.integers(-9, 9), min_size=1, max_size=12)


@given(VECTORS)
def test_norms_are_those_of_the_textbook(listed: list[int]) -> None:
    change = np.array(listed, dtype=np.int64)
    found = norms(change)
    if not change.any():
        assert found is None
        return
    assert found is not None
    assert found == Bounds(
        l0=int(np.count_nonzero(change)),
        l1=int(np.abs(change).sum()),
        l2_squared=int((change**2).sum()),
        linf=int(np.abs(change).max()),
    )
    assert norms(listed) == found


def test_norms_do_not_overflow_where_64_bits_would() -> None:
    change = np.full(3, 2**40, dtype=np.int64)
    found = norms(change)
    assert found is not None
    assert found.l2_squared == 3 * 2**80


@given(VECTORS, st.data())
def test_dense_and_sparse_differences_agree(listed: list[int], data: st.DataObject) -> None:
    size = len(listed)
    other = data.draw(st.lists(st.integers(-9, 9), min_size=size, max_size=size))
    dense = difference(np.array(listed, dtype=np.int64), np.array(other, dtype=np.int64))
    sparse = sparse_difference(dict(enumerate(listed)), dict(enumerate(other)))
    assert sparse == {i: v for i, v in enumerate(dense.tolist()) if v}


def test_vectors_over_different_key_sets_have_no_difference() -> None:
    with pytest.raises(ValueError, match="key set must not depend on the data"):
        difference(np.zeros(2, dtype=np.int64), np.zeros(3, dtype=np.int64))


@pytest.mark.parametrize("norm", ["l0", "l1", "l2_squared", "linf"])
def test_a_norm_that_is_one_too_large_is_named(norm: str) -> None:
    allowed = Bounds(l0=4, l1=6, l2_squared=10, linf=3)
    within = {name: getattr(allowed, name) for name in ("l0", "l1", "l2_squared", "linf")}
    assert exceeded(Bounds(**within), allowed) == ()
    assert exceeded(Bounds(**within | {norm: within[norm] + 1}), allowed) == (norm,)
    assert exceeded(None, allowed) == ()


@pytest.mark.parametrize("make", [gaussian, laplace])
def test_whoever_reaches_the_bounds_costs_what_the_mechanism_says(make: object) -> None:
    bounds = Bounds(l0=24, l1=24, l2_squared=24, linf=1)
    mechanism = make(bounds, Rho.of("1/12"))  # type: ignore[operator]
    found = rho_of(norms([1] * 24), mechanism.law)
    assert found <= mechanism.cost.rho.value
    assert found == pytest.approx(float(mechanism.cost.rho.value), rel=1e-9)
    assert rho_of(norms([1] * 25), mechanism.law) > mechanism.cost.rho.value


def test_a_change_of_nothing_costs_nothing() -> None:
    assert rho_of(None, NoiseLaw("discrete_gaussian", 2.0)) == 0
    assert quadratic_form([]) == 0


def test_the_form_adds_up_measurements_in_their_own_noise() -> None:
    wide, narrow = NoiseLaw("discrete_gaussian", 4.0), NoiseLaw("discrete_laplace", 2.0)
    found = quadratic_form([(norms([3, 4]), wide), (None, narrow), (norms([1, 2]), narrow)])
    assert found == Fraction(25, 16) + Fraction(9, 4)
