"""Recovery finds what counts give away, and no more."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from dp.audits.recovery import link_days, recover_day, shared_information, whole_counts

LINE = np.column_stack([np.arange(9.0), np.zeros(9)])
STILL, MOVING = np.ones(5, dtype=bool), np.zeros(5, dtype=bool)


def counted(paths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.stack([np.bincount(slot, minlength=9) for slot in paths.T])


def found(paths: NDArray[np.int64], night: NDArray[np.bool_]) -> list[list[int]]:
    return sorted(recover_day(counted(paths), places=LINE, night=night).tolist())


def test_recovered_paths_have_the_counts_that_they_came_from() -> None:
    paths = np.random.default_rng(3).integers(0, 9, size=(40, 5))
    again = recover_day(counted(paths), places=LINE, night=MOVING)
    assert (counted(again) == counted(paths)).all()


def test_a_lone_walker_through_a_town_asleep_is_recovered_whole() -> None:
    """The planted leak: exact counts give away the one path that nobody shares."""
    around = 2.0 * np.pi * np.arange(9) / 9
    ring = np.column_stack([np.cos(around), np.sin(around)])
    asleep = np.repeat(np.arange(9), 20)[:, None].repeat(5, axis=1)
    walker = [2, 6, 1, 8, 3]

    def paths(last: list[int]) -> list[list[int]]:
        counts = counted(np.vstack([asleep, [last]]))
        return recover_day(counts, places=ring, night=STILL).tolist()

    assert walker in paths(walker)
    assert walker not in paths([2] * 5), "nobody walked"


def test_people_who_cross_keep_their_directions_by_day_and_turn_back_at_night() -> None:
    paths = np.array([[0, 2, 4, 6, 8], [8, 6, 4, 2, 0]])
    assert found(paths, MOVING) == [[0, 2, 4, 6, 8], [8, 6, 4, 2, 0]]
    paths = np.array([[0, 1, 4, 4, 4], [8, 7, 4, 4, 4], [4, 4, 4, 4, 4]])
    assert [4, 4, 4, 4, 4] in found(paths, STILL)


def test_recovery_refuses_totals_that_differ() -> None:
    with pytest.raises(ValueError, match="totals"):
        recover_day(np.array([[1, 1], [1, 0]]), places=LINE[:2], night=STILL[:2])


def test_shared_information_is_log_2_less_the_information_gained() -> None:
    chance = np.random.default_rng(1)
    left, right = chance.integers(0, 4, size=(7, 6)), chance.integers(0, 4, size=(5, 3))

    def entropy(p: NDArray[np.float64]) -> float:
        return float(-(p[p > 0] * np.log(p[p > 0])).sum())

    shares = [
        [np.bincount(path, minlength=4) / path.size for path in part] for part in (left, right)
    ]
    gain = [
        [entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2 for q in shares[1]] for p in shares[0]
    ]
    score = shared_information(left, right, cells=4).toarray()
    assert score == pytest.approx(np.log(2) - np.array(gain), abs=1e-12)


def test_days_are_linked_by_the_cells_that_a_person_keeps_to() -> None:
    first = np.array([[0, 0, 1], [2, 2, 3], [4, 4, 5]])
    second = np.array([[5, 4, 4], [1, 0, 0], [3, 3, 2]])
    whole = link_days([first, second, first[::-1]], cells=6)
    assert {frozenset(path) for path in whole.tolist()} == {
        frozenset({0, 1}),
        frozenset({2, 3}),
        frozenset({4, 5}),
    }


@pytest.mark.parametrize("seed", range(25))
def test_whole_counts_are_the_nearest_ones_with_the_total(seed: int) -> None:
    chance = np.random.default_rng(seed)
    low = chance.integers(0, 2, size=3).astype(float)
    high = low + chance.integers(0, 4, size=3)
    total = int(chance.integers(low.sum(), high.sum() + 1))
    seen = chance.normal(2.0, 4.0, size=3)

    whole = whole_counts(seen, low=low, high=high, total=total)

    ranges = [range(int(a), int(b) + 1) for a, b in zip(low, high, strict=True)]
    fitting = [c for c in itertools.product(*ranges) if sum(c) == total]
    assert tuple(whole) in fitting
    least = min(((np.array(c) - seen) ** 2).sum() for c in fitting)
    assert ((whole - seen) ** 2).sum() == pytest.approx(least)


def test_whole_counts_leave_true_counts_alone() -> None:
    counts = np.array([3.0, 0.0, 7.0])
    assert whole_counts(counts, low=counts, high=counts, total=10).tolist() == [3, 0, 7]
    with pytest.raises(ValueError, match="cannot sum to 11"):
        whole_counts(counts, low=counts, high=counts, total=11)
