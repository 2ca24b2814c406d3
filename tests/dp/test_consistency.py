"""Levels made consistent: equal to the dense closed form, unbiased, and better than any level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dp.postprocess.consistency import Consistent, Tree, consistent


def _tree(rng: np.random.Generator, *, leaves: int, levels: int) -> Tree:
    up, size = [], leaves
    for _ in range(levels - 1):
        above = int(rng.integers(1, size + 1))
        parents = np.concatenate([np.arange(above), rng.integers(0, above, size - above)])
        up.append(rng.permutation(parents).astype(np.int64))
        size = above
    return Tree(leaves, tuple(up))


def _incidence(tree: Tree) -> list[np.ndarray]:
    """Return, by level, which leaves a node sums: the dense form's matrix."""
    rows = [np.eye(tree.leaves)]
    for parents, size in zip(tree.up, tree.sizes[1:], strict=True):
        above = np.zeros((size, tree.leaves))
        np.add.at(above, parents, rows[-1])
        rows.append(above)
    return rows


def _dense(
    tree: Tree, values: list[np.ndarray], variances: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (A'WA)^-1 A'Wy for all nodes and its covariance, by plain linear algebra."""
    whole = np.vstack(_incidence(tree))
    weight = np.diag(1.0 / np.concatenate(variances))
    covariance = np.linalg.inv(whole.T @ weight @ whole)
    leaves = covariance @ whole.T @ weight @ np.vstack(values)
    return whole @ leaves, whole @ covariance @ whole.T


def _measured(
    rng: np.random.Generator, tree: Tree, *, columns: int = 2
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    values = [rng.normal(50, 30, (size, columns)) for size in tree.sizes]
    return values, [rng.uniform(0.2, 9.0, size) for size in tree.sizes]


def _nodes(tree: Tree) -> list[tuple[int, int]]:
    return [(level, i) for level, size in enumerate(tree.sizes) for i in range(size)]


def _flat(found: Consistent) -> tuple[np.ndarray, np.ndarray]:
    return np.vstack(found.values), np.concatenate(found.variances)


@given(seed=st.integers(0, 10_000), leaves=st.integers(1, 9), levels=st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_two_passes_are_the_dense_closed_form(seed: int, leaves: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    tree = _tree(rng, leaves=leaves, levels=levels)
    values, variances = _measured(rng, tree)
    found = consistent(tree, values, variances)
    due, covariance = _dense(tree, values, variances)
    got, spread = _flat(found)
    assert got == pytest.approx(due, rel=1e-9, abs=1e-8)
    assert spread == pytest.approx(np.diag(covariance), rel=1e-9, abs=1e-10)
    nodes = _nodes(tree)
    pairs = [[found.covariance(a, b) for b in nodes] for a in nodes]
    assert np.array(pairs) == pytest.approx(covariance, rel=1e-8, abs=1e-9)


def test_parents_are_the_sums_of_their_children() -> None:
    rng = np.random.default_rng(1)
    tree = _tree(rng, leaves=200, levels=4)
    found = consistent(tree, *_measured(rng, tree, columns=24))
    for rows, value in zip(_incidence(tree), found.values, strict=True):
        assert value == pytest.approx(rows @ found.values[0])


def test_a_level_that_was_not_measured_is_as_if_its_noise_were_endless() -> None:
    rng = np.random.default_rng(2)
    tree = _tree(rng, leaves=8, levels=3)
    values, variances = _measured(rng, tree)
    variances[1] = np.full(tree.sizes[1], 1e12)
    due, _ = _dense(tree, values, variances)
    variances[1] = np.full(tree.sizes[1], np.inf)
    values[1] = np.full_like(values[1], np.nan)
    got, _ = _flat(consistent(tree, values, variances))
    assert got == pytest.approx(due, rel=1e-6, abs=1e-6)


def test_what_is_known_stays_as_it_is() -> None:
    tree = Tree(3, (np.array([0, 0, 1]), np.array([0, 0])))
    values = [np.array([[0.0], [7.0], [3.0]]), np.array([[9.0], [5.0]]), np.array([[20.0]])]
    variances = [np.array([0.0, 4.0, 4.0]), np.array([4.0, 4.0]), np.array([0.0])]
    found = consistent(tree, values, variances)
    assert found.values[0][0, 0] == 0.0
    assert found.variances[0][0] == 0.0
    assert found.values[2][0, 0] == 20.0
    assert found.variances[2][0] == 0.0
    # leaf 1: 8 +- sqrt 2 from two looks; leaf 2: 4 +- sqrt 2; the known 20 adds 4 to each
    assert found.values[0][1:, 0] == pytest.approx([12.0, 8.0])


def test_estimates_are_unbiased_and_their_stated_variance_is_right() -> None:
    rng, trials = np.random.default_rng(3), 20_000
    tree = Tree(6, (np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 0])))
    truth = [rows @ np.array([5.0, 40, 0, 9, 120, 33]) for rows in _incidence(tree)]
    variances = [np.full(6, 16.0), np.full(3, 30.0), np.full(1, 50.0)]
    noisy = [
        t[:, None] + rng.normal(0, np.sqrt(v)[:, None], (len(t), trials))
        for t, v in zip(truth, variances, strict=True)
    ]
    found = consistent(tree, noisy, variances)
    for value, spread, true in zip(found.values, found.variances, truth, strict=True):
        assert np.all(np.abs(value.mean(axis=1) - true) < 4 * np.sqrt(spread / trials))
        assert value.var(axis=1) == pytest.approx(spread, rel=0.05)
        inside = np.abs(value - true[:, None]) < 1.959964 * np.sqrt(spread)[:, None]
        assert abs(inside.mean() - 0.95) < 0.01


def test_levels_gain_at_the_city_what_they_cost_at_the_cell() -> None:
    # 250 cells in 10 districts; rho split .6/.25/.15 at sd 4.23 for the whole rho in one level
    parents = np.repeat(np.arange(10), 25).astype(np.int64)
    tree = Tree(250, (parents, np.zeros(10, dtype=np.int64)))
    alone = 4.23**2
    variances = [
        np.full(size, alone / part)
        for size, part in zip(tree.sizes, (0.6, 0.25, 0.15), strict=True)
    ]
    zeros = [np.zeros((size, 1)) for size in tree.sizes]
    cell, district, city = (
        float(np.sqrt(v[0])) for v in consistent(tree, zeros, variances).variances
    )
    assert cell < np.sqrt(alone / 0.6)
    assert 5.1 < cell < 5.5
    assert city < 11
    assert np.sqrt(250 * alone) > 66
    assert district < np.sqrt(25 * alone) / 2


@pytest.mark.parametrize(
    ("parents", "said"),
    [([0, 2, 2], "without children"), ([0, 0], "has 3 nodes")],
)
def test_a_tree_that_is_none_is_refused(parents: list[int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Tree(3, (np.array(parents),))


def test_shapes_and_variances_that_cannot_be_are_refused() -> None:
    tree = Tree(2, (np.array([0, 0]),))
    good = [np.zeros((2, 1)), np.zeros((1, 1))]
    with pytest.raises(ValueError, match="2 levels"):
        consistent(tree, good[:1], [np.ones(2)])
    with pytest.raises(ValueError, match="0 or more"):
        consistent(tree, good, [np.ones(2), np.array([-1.0])])
    with pytest.raises(ValueError, match="every leaf must be measured"):
        consistent(tree, good, [np.array([1.0, np.inf]), np.ones(1)])
    with pytest.raises(ValueError, match="shape"):
        consistent(tree, [np.zeros((3, 1)), good[1]], [np.ones(2), np.ones(1)])
