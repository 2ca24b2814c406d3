"""Reconstruction of everybody at once: which histories, how often, explain all released numbers.

Linear reconstruction in the manner of Dinur and Nissim (PODS 2003) and of Dwork, McSherry and
Talwar (STOC 2007), over a public list of histories instead of single bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_LEAST = 1e-5


def expected_matches(prior: Floats, *, people: int) -> list[Floats]:
    """Return, for each history, the chance that at least 1, 2, 3 ... people have it.

    What guessing one more copy of a history adds to the expected number of people guessed right,
    where histories are drawn independently; it falls with every copy.

    Args:
        prior: Chance of each history, sums to 1, shape (histories,).
        people: How many people there are.
    """
    from scipy.stats import binom

    copies = np.arange(people)
    chance = binom.sf(copies[None, :], people, prior[:, None])
    return [row[: max(1, int((row > _LEAST).sum()))] for row in chance]


def prior_guess(gains: list[Floats], *, people: int) -> Ints:
    """Return how often to guess each history before any release: the best that priors allow.

    Args:
        gains: From ``expected_matches``.
        people: How many people there are.

    >>> prior_guess([np.array([0.9, 0.5]), np.array([0.7])], people=2).tolist()
    [1, 1]
    """
    owner = np.repeat(np.arange(len(gains)), [len(one) for one in gains])
    best = np.argsort(-np.concatenate(gains), kind="stable")[:people]
    return np.bincount(owner[best], minlength=len(gains)).astype(np.int64)


def reconstruct(
    adds: csr_array, answers: Floats, *, sd: Floats, gains: list[Floats], people: int
) -> Ints:
    """Return how many people have each history, as the released numbers and priors suggest.

    A linear program: it minimises the sum over numbers of |sum of contributions - answer| / sd,
    less the expected matches of the guess under the priors. With little noise the answers decide,
    with much noise the priors do. The copies with the largest weights are taken as whole persons.

    Args:
        adds: What one person of each history adds to each number, shape (histories, numbers).
        answers: The released numbers, shape (numbers,).
        sd: Standard deviation of the noise of each, above 0; for exact numbers any small value.
        gains: From ``expected_matches``.
        people: How many people there are; the attacker knows it.

    Returns:
        Whole numbers that sum to ``people``, shape (histories,).
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array as sparse
    from scipy.sparse import hstack, identity, vstack

    owner = np.repeat(np.arange(len(gains)), [len(one) for one in gains])
    numbers, units = adds.shape[1], owner.size
    fit, misfit = adds[owner].T.multiply(1.0 / sd[:, None]), identity(numbers, format="csr")
    everyone = sparse(np.concatenate([np.ones(units), np.zeros(2 * numbers)])[None, :])
    solved = linprog(
        np.concatenate([-np.concatenate(gains), np.ones(2 * numbers)]),
        A_eq=vstack([hstack([fit, misfit, -misfit]), everyone]).tocsc(),
        b_eq=np.append(answers / sd, people),
        bounds=np.array([(0.0, 1.0)] * units + [(0.0, np.inf)] * (2 * numbers)),
        method="highs",
    )
    if solved.x is None:
        return prior_guess(gains, people=people)
    best = np.argsort(-solved.x[:units], kind="stable")[:people]
    return np.bincount(owner[best], minlength=len(gains)).astype(np.int64)


def right_share(guess: Ints, true: Ints) -> float:
    """Return the share of people whose history is in the guess, each copy counted once.

    >>> right_share(np.array([2, 0, 1]), np.array([1, 1, 1]))
    0.6666666666666666
    """
    return float(np.minimum(guess, true).sum() / true.sum())
