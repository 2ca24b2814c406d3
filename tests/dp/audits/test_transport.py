"""Transport and matching against brute force on tiny cases."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array

from dp.audits.transport import matching, transport


@pytest.mark.parametrize("library", ["pot", "scipy alone"])
@pytest.mark.parametrize("seed", range(30))
def test_transport_costs_what_the_best_assignment_of_single_units_costs(
    seed: int, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if library == "scipy alone":
        monkeypatch.setitem(sys.modules, "ot", None)
    chance = np.random.default_rng(seed)
    supply = chance.integers(0, 5, size=6)
    demand = np.bincount(chance.integers(0, 4, size=supply.sum()), minlength=4)
    cost = chance.integers(-3, 9, size=(6, 4)).astype(float)

    flow = transport(supply, demand, cost)

    units = cost[np.ix_(np.repeat(np.arange(6), supply), np.repeat(np.arange(4), demand))]
    assert (flow.sum(axis=1) == supply).all()
    assert (flow.sum(axis=0) == demand).all()
    assert (flow >= 0).all()
    assert (flow * cost).sum() == pytest.approx(units[linear_sum_assignment(units)].sum())


def test_transport_refuses_totals_that_differ() -> None:
    with pytest.raises(ValueError, match="totals 3 and 2"):
        transport(np.array([3]), np.array([1, 1]), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="0 or more"):
        transport(np.array([3, -1]), np.array([1, 1]), np.zeros((2, 2)))


def test_transport_of_nobody_moves_nobody() -> None:
    assert not transport(np.zeros(2, int), np.zeros(3, int), np.zeros((2, 3))).any()


@pytest.mark.parametrize("seed", range(30))
def test_matching_scores_what_the_dense_assignment_scores(seed: int) -> None:
    chance = np.random.default_rng(seed)
    dense = np.where(chance.random((9, 9)) < 0.3, chance.random((9, 9)), 0.0)

    partner = matching(csr_array(dense))

    assert sorted(partner) == list(range(9))
    best = dense[linear_sum_assignment(dense, maximize=True)].sum()
    assert dense[np.arange(9), partner].sum() == pytest.approx(best)
