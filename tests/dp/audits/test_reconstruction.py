"""Reconstruction of a tiny hamlet: whole without noise, no better than priors with much of it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dp.audits.reconstruction import expected_matches, prior_guess, reconstruct, right_share

CELLS, SLOTS, PEOPLE = 3, 3, 12
HISTORIES = np.array(list(itertools.product(range(CELLS), repeat=SLOTS)))


def adds() -> csr_array:
    """Persons by slot and cell, and by pair of cells in neighbouring slots."""
    rows = []
    for path in HISTORIES:
        slots = np.zeros((SLOTS, CELLS))
        slots[np.arange(SLOTS), path] = 1
        pairs = np.zeros((SLOTS - 1, CELLS, CELLS))
        pairs[np.arange(SLOTS - 1), path[:-1], path[1:]] = 1
        rows.append(np.concatenate([slots.ravel(), pairs.ravel()]))
    return csr_array(np.array(rows))


@pytest.fixture
def hamlet() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    chance = np.random.default_rng(11)
    prior = chance.dirichlet(np.full(len(HISTORIES), 0.3))
    return prior, chance.multinomial(PEOPLE, prior)


def test_exact_numbers_give_a_tiny_hamlet_away(
    hamlet: tuple[NDArray[np.float64], NDArray[np.int64]],
) -> None:
    prior, true = hamlet
    gains = expected_matches(prior, people=PEOPLE)
    answers = adds().T @ true
    guess = reconstruct(adds(), answers, sd=np.full(len(answers), 1e-3), gains=gains, people=PEOPLE)
    assert guess.sum() == PEOPLE
    assert right_share(guess, true) == 1.0
    assert right_share(prior_guess(gains, people=PEOPLE), true) < 1.0, "or this shows nothing"


def test_useless_answers_leave_the_best_guess_from_priors(
    hamlet: tuple[NDArray[np.float64], NDArray[np.int64]],
) -> None:
    prior, true = hamlet
    gains = expected_matches(prior, people=PEOPLE)
    answers = np.random.default_rng(2).normal(0.0, 1e6, size=adds().shape[1])
    guess = reconstruct(adds(), answers, sd=np.full(len(answers), 1e6), gains=gains, people=PEOPLE)
    before = prior_guess(gains, people=PEOPLE)
    worth = [sum(one[:n].sum() for one, n in zip(gains, g, strict=True)) for g in (guess, before)]
    assert worth[0] == pytest.approx(worth[1], rel=0.02)
    assert right_share(guess, true) <= 1.0


def test_the_prior_guess_has_the_most_expected_matches() -> None:
    prior, people = np.array([0.6, 0.3, 0.1]), 4
    gains = expected_matches(prior, people=people)

    def expected(guess: tuple[int, ...]) -> float:
        total = 0.0
        for drawn in itertools.product(range(people + 1), repeat=3):
            if sum(drawn) == people:
                ways = math.factorial(people) / math.prod(math.factorial(n) for n in drawn)
                chance = ways * math.prod(p**n for p, n in zip(prior, drawn, strict=True))
                total += chance * sum(min(a, b) for a, b in zip(guess, drawn, strict=True))
        return total

    guesses = [g for g in itertools.product(range(people + 1), repeat=3) if sum(g) == people]
    best = max(expected(g) for g in guesses)
    assert expected(tuple(prior_guess(gains, people=people))) == pytest.approx(best)
