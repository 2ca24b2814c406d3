"""Scores of recovered paths, and the bound that in and out must respect."""

from __future__ import annotations

import numpy as np
import pytest

from dp.accounting.convert import attack_bound
from dp.audits.scores import Pairs, agreement, matched, nearest_share

TRUE = np.array([[0, 0, 1, 1], [2, 2, 2, 2], [3, 3, 0, 0]])


def test_the_right_paths_in_any_order_are_matched_whole() -> None:
    assert matched(TRUE[[2, 0, 1]], TRUE, cells=4).all()


def test_matching_is_one_to_one() -> None:
    right = matched(np.array([[0, 0, 1, 1]] * 3), TRUE, cells=4)
    assert sorted(right.sum(axis=1)) == [0, 0, 4]


def test_agreement_counts_shared_slots() -> None:
    found = np.array([[0, 0, 0, 0], [2, 0, 2, 0]])
    assert agreement(found, TRUE, cells=4).toarray().tolist() == [[2, 0, 2], [1, 2, 1]]


def test_the_nearest_path_is_scored_in_the_slots_asked_for() -> None:
    found = np.array([[0, 0, 3, 3], [3, 3, 3, 1]])
    of = np.array([[True, True, False, False], [True] * 4, [False] * 4])
    shares = nearest_share(found, TRUE, of=of)
    assert shares[0] == 1.0
    assert shares[1] == 0.0
    assert np.isnan(shares[2])


def test_a_planted_leak_passes_the_bound_and_chance_does_not() -> None:
    leak = Pairs(given=np.full(6, 0.9), without=np.linspace(0.1, 0.2, 6))
    excess, error = leak.excess(0.01)
    assert excess > 6 * error > 0
    assert leak.gap == pytest.approx(0.75)
    alike = Pairs(given=np.linspace(0.1, 0.2, 6), without=np.linspace(0.2, 0.1, 6))
    assert alike.excess(0.01)[0] < 0


def test_the_bound_of_a_mean_is_at_least_the_mean_of_the_bounds() -> None:
    """What lets the bound be applied to means over targets: it is concave in the chance out."""
    outs = np.linspace(0.0, 1.0, 41)
    for rho in (0.001, 0.1, 2.0):
        pairs = Pairs(given=outs, without=outs)
        assert pairs.bound(rho) >= np.mean([attack_bound(p, rho) for p in outs]) - 1e-12


def test_a_gaussian_release_stays_within_the_bound_of_a_mean_score() -> None:
    """The best score for Gaussian noise of this rho: in and out in closed form."""
    from scipy.stats import norm

    for rho in (0.02, 0.5):
        cuts = np.linspace(0.9, 1.1, 5)
        out, given = norm.sf(cuts), norm.sf(cuts - np.sqrt(2 * rho))
        assert given.mean() <= Pairs(given=given, without=out).bound(rho)
        assert given.mean() > Pairs(given=given, without=out).bound(rho / 8), "it can fail"
