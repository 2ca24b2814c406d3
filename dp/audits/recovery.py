"""Trajectory recovery from counts alone: who was where, slot after slot, from how many were where.

The attack of Xu, Tu, Li, Zhang, Fu and Jin (WWW 2017, arXiv 1702.06270), with each assignment
between people solved as transport between count vectors, so that it runs on a city. Most of its
success is regularity: it must be read beside people who were never in the counts
(``dp.audits.scores``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dp.audits.transport import matching, transport

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_TIE = 1e-3
_HALVINGS = 200


def whole_counts(seen: Floats, *, low: Floats, high: Floats, total: int) -> Ints:
    """Return the whole counts with a known total that lie nearest to what was seen.

    The least-squares fit between ``low`` and ``high``, then rounded so that the total holds: what
    turns noisy, suppressed or incomplete counts into people.

    Args:
        seen: Best guesses, shape (cells,).
        low: The least that each count can be, whole numbers, shape (cells,).
        high: The most, same shape.
        total: How many people there are.

    Raises:
        ValueError: no counts between the limits have that total.

    >>> free = np.zeros(3), np.full(3, 9.0)
    >>> whole_counts(np.array([4.0, -2.0, 1.0]), low=free[0], high=free[1], total=4).tolist()
    [4, 0, 0]
    """
    if not low.sum() <= total <= high.sum():
        raise ValueError(f"counts between {low.sum():g} and {high.sum():g} cannot sum to {total}")
    span = float(np.ptp(np.concatenate([seen, low, high]))) + 1.0
    less, more = -span, span
    for _ in range(_HALVINGS):
        middle = (less + more) / 2.0
        if np.clip(seen + middle, low, high).sum() < total:
            less = middle
        else:
            more = middle
    fitted = np.clip(seen + more, low, high)
    whole = np.clip(np.floor(fitted + 1e-9), low, high)
    missing = total - int(whole.sum())
    room = np.flatnonzero(whole < high)
    first = room[np.argsort(whole[room] - fitted[room], kind="stable")]
    whole[first[:missing]] += 1
    return whole.astype(np.int64)


def recover_day(counts: Ints, *, places: Floats, night: Bools) -> Ints:
    """Return one path a person through the slots of one day, from counts alone.

    From slot to slot people are assigned to cells at the least total cost. At night the cost is the
    distance from where a person is; by day it is the distance from where the person would be at
    constant velocity. Ties, which the paper leaves open, go to the other rule. People with the
    same last two cells are one kind, so each step is one transport.

    Args:
        counts: Whole numbers with one total, shape (slots, cells).
        places: Of the cells, in any plane, shape (cells, 2).
        night: Whether people are expected to stay put on the way into the slot, shape (slots,).

    Returns:
        Cells, shape (people, slots).

    Raises:
        ValueError: totals differ between slots.
    """
    slots, cells = counts.shape
    paths = np.empty((int(counts[0].sum()), slots), dtype=np.int64)
    paths[:, 0] = np.repeat(np.arange(cells), counts[0])
    for slot in range(1, slots):
        here, before = paths[:, slot - 1], paths[:, max(0, slot - 2)]
        kinds, kind, size = np.unique(
            before * cells + here, return_inverse=True, return_counts=True
        )
        cost = _cost(*np.divmod(kinds, cells), places=places, still=bool(night[slot]))
        flow = transport(size, counts[slot], cost)
        goes = np.repeat(np.tile(np.arange(cells), len(kinds)), flow.ravel())
        paths[np.argsort(kind, kind="stable"), slot] = goes
    return paths


def link_days(days: list[Ints], *, cells: int) -> Ints:
    """Return whole paths: each day's paths joined to those of the days before.

    Two are alike if joining them adds little information: H((p + q) / 2) - (H(p) + H(q)) / 2, with
    p and q the frequencies of their cells (the paper's gain, with a longer history weighing no
    more than a day). The joins of a day minimise the sum.

    Args:
        days: Paths of each day, all of one shape (people, slots).
        cells: How many cells there are.

    Returns:
        Cells, shape (people, days x slots).
    """
    whole = days[0]
    for day in days[1:]:
        whole = np.hstack([whole, day[matching(shared_information(whole, day, cells=cells))]])
    return whole


def shared_information(left: Ints, right: Ints, *, cells: int) -> csr_array:
    """Return log 2 minus the information gained by joining each left path to each right one.

    That is the sum over the cells of both of ((p + q) log(p + q) - p log p - q log q) / 2: an inner
    product of sparse features, above 0 only for paths that share a cell.

    Args:
        left: Cells, shape (n, slots).
        right: Cells, shape (m, other slots).
        cells: How many cells there are.

    Returns:
        Shape (n, m).
    """
    from scipy.sparse import csr_array as sparse

    levels, steps = left.shape[1] + 1, right.shape[1]
    mine, other = _visits(left, cells), _visits(right, cells)
    p = np.arange(levels, dtype=np.float64)[None, :] / (levels - 1)
    q = other.data[:, None] / steps
    parts = (_x_log_x(p + q) - _x_log_x(p) - _x_log_x(q)) / 2.0
    columns = other.indices[:, None].astype(np.int64) * levels + np.arange(levels)
    features = sparse(
        (parts.ravel(), columns.ravel(), other.indptr.astype(np.int64) * levels),
        shape=(len(right), cells * levels),
    )
    at = mine.indices.astype(np.int64) * levels + mine.data
    marks = sparse((np.ones(at.size), at, mine.indptr), shape=(len(left), cells * levels))
    scores = (marks @ features.T).tocsr()
    scores.eliminate_zeros()
    return scores


def _cost(before: Ints, here: Ints, *, places: Floats, still: bool) -> Floats:
    stays, moves = places[here], 2.0 * places[here] - places[before]
    first, second = (stays, moves) if still else (moves, stays)
    return _away(first, places) + _TIE * _away(second, places)


def _away(points: Floats, places: Floats) -> Floats:
    away: Floats = np.hypot(
        points[:, 0, None] - places[None, :, 0], points[:, 1, None] - places[None, :, 1]
    )
    return away


def _visits(paths: Ints, cells: int) -> csr_array:
    """Return how often each path is in each cell, sparse, shape (paths, cells)."""
    from scipy.sparse import csr_array as sparse

    count, slots = paths.shape
    starts = np.arange(0, count * slots + 1, slots)
    ones = np.ones(paths.size, dtype=np.int64)
    visits = sparse((ones, paths.flatten(), starts), shape=(count, cells))
    visits.sum_duplicates()
    return visits


def _x_log_x(x: Floats) -> Floats:
    logs: Floats = np.log(x, out=np.zeros_like(x), where=x > 0.0)
    return x * logs
