"""Reconstruction of everybody at once: which histories, how often, explain all released numbers.

Linear reconstruction in the manner of Dinur and Nissim (PODS 2003) and of Dwork, McSherry and
Talwar (STOC 2007), over a public list of histories instead of single bits, in whole persons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_SECONDS = 20.0
_SURE = 1e-9


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
    return [row[: max(1, int((row > _SURE).sum()))] for row in chance]


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

    Minimises the sum over numbers of |sum of contributions - answer| / sd, less the expected
    matches of the guess under the priors, over whole persons: with little noise the answers decide,
    with much noise the priors do. The best solution found in 20 seconds.

    Args:
        adds: What one person of each history adds to each number, shape (histories, numbers).
        answers: The released numbers, shape (numbers,).
        sd: Standard deviation of the noise of each, above 0; for exact numbers any small value.
        gains: From ``expected_matches``.
        people: How many people there are; the attacker knows it.

    Returns:
        Whole numbers that sum to ``people``, shape (histories,).
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array as sparse
    from scipy.sparse import hstack, identity, vstack

    copies = [len(one) for one in gains]
    owner = np.repeat(np.arange(len(gains)), copies)
    numbers, units = adds.shape[1], len(owner)
    fit = adds[owner].T.multiply(1.0 / sd[:, None])
    misfit = identity(numbers, format="csr")
    everyone = sparse(np.concatenate([np.ones(units), np.zeros(numbers)])[None, :])
    system = vstack([hstack([fit, misfit]), hstack([fit, -misfit]), everyone]).tocsc()
    aim = answers / sd
    solved = milp(
        np.concatenate([-np.concatenate(gains), np.ones(numbers)]),
        constraints=LinearConstraint(
            system,
            np.concatenate([aim, np.full(numbers, -np.inf), [people]]),
            np.concatenate([np.full(numbers, np.inf), aim, [people]]),
        ),
        integrality=np.concatenate([np.ones(units), np.zeros(numbers)]),
        bounds=Bounds(0.0, np.concatenate([np.ones(units), np.full(numbers, np.inf)])),
        options={"time_limit": _SECONDS, "mip_rel_gap": 1e-3},
    )
    if solved.x is None:
        return prior_guess(gains, people=people)
    return np.bincount(owner, weights=np.rint(solved.x[:units]), minlength=len(gains)).astype(
        np.int64
    )


def right_share(guess: Ints, true: Ints) -> float:
    """Return the share of people whose history is in the guess, each copy counted once.

    >>> right_share(np.array([2, 0, 1]), np.array([1, 1, 1]))
    0.6666666666666666
    """
    return float(np.minimum(guess, true).sum() / true.sum())
