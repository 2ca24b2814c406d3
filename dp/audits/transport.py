"""Exact transport between count vectors, and exact one-to-one matching on sparse scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_MOST_PIVOTS = 100_000_000


def transport(supply: Ints, demand: Ints, cost: Floats) -> Ints:
    """Return the cheapest way to turn one count vector into another, in whole units.

    It is the assignment of every unit of ``supply`` to one of ``demand``, solved for all units of a
    kind at once by the network simplex (Bonneel et al. 2011, in the library POT, which the extra
    ``audit`` installs). Without POT single units are assigned: as cheap, slow for a city.

    Args:
        supply: Whole numbers, shape (kinds,).
        demand: Whole numbers with the same total, shape (cells,).
        cost: Of moving one unit, finite, shape (kinds, cells).

    Returns:
        Units moved, shape (kinds, cells): rows sum to ``supply`` and columns to ``demand``.

    Raises:
        ValueError: totals differ or a count is negative.

    >>> transport(np.array([2, 1]), np.array([1, 2]), np.array([[0.0, 1.0], [1.0, 0.0]])).tolist()
    [[1, 1], [0, 1]]
    """
    if supply.min() < 0 or demand.min() < 0 or supply.sum() != demand.sum():
        raise ValueError(
            f"supply and demand must be 0 or more with one total, got totals {supply.sum()} and "
            f"{demand.sum()}"
        )
    rows, columns = np.flatnonzero(supply), np.flatnonzero(demand)
    flow = np.zeros(cost.shape, dtype=np.int64)
    if not rows.size:
        return flow
    block = np.ascontiguousarray(cost[np.ix_(rows, columns)], dtype=np.float64)
    try:
        from ot import emd
    except ImportError:
        flow[np.ix_(rows, columns)] = _by_units(supply[rows], demand[columns], block)
    else:
        masses = supply[rows].astype(np.float64), demand[columns].astype(np.float64)
        flow[np.ix_(rows, columns)] = np.rint(emd(*masses, block, numItermax=_MOST_PIVOTS))
    assert (flow.sum(axis=1) == supply).all(), "every unit must be moved"
    assert (flow.sum(axis=0) == demand).all(), "every demand must be met"
    return flow


def matching(scores: csr_array) -> Ints:
    """Return the partner of each row in the one-to-one matching with the largest total score.

    Pairs that are not stored score 0. Rows that no stored pair is left for get the left-over
    columns in order, so the matching is always complete (Jonker and Volgenant 1987, in scipy).

    Args:
        scores: Above 0 where stored, shape (n, n).

    Returns:
        Columns, shape (n,), each once.

    >>> from scipy.sparse import csr_array
    >>> matching(csr_array(np.array([[3.0, 2.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))).tolist()
    [1, 0, 2]
    """
    from scipy.sparse import csr_array as sparse
    from scipy.sparse import hstack, identity
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    count = scores.shape[0]
    alone = identity(count, format="csr")
    shifted = sparse((-1.0 - scores.data, scores.indices, scores.indptr), shape=scores.shape)
    rows, columns = min_weight_full_bipartite_matching(hstack([shifted, -alone]).tocsr())
    partner = np.full(count, -1, dtype=np.int64)
    paired = columns < count
    partner[rows[paired]] = columns[paired]
    free = np.setdiff1d(np.arange(count), partner[partner >= 0])
    partner[partner < 0] = free
    return partner


def _by_units(supply: Ints, demand: Ints, cost: Floats) -> Ints:
    """Return the flow of the best assignment of single units."""
    from scipy.optimize import linear_sum_assignment

    row, column = (
        np.repeat(np.arange(supply.size), supply),
        np.repeat(np.arange(demand.size), demand),
    )
    mine, other = linear_sum_assignment(cost[np.ix_(row, column)])
    flow = np.zeros(cost.shape, dtype=np.int64)
    np.add.at(flow, (row[mine], column[other]), 1)
    return flow
