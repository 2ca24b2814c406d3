"""Groups of simulated people, the noise on their sums, and what an attacker scores them by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from dp.audits.membership import likelihood_weights, logistic
from pipelines.audit._stage import CHUNK_CELLS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.audit._chance import Generator
    from pipelines.audit._stage import Stage

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_TRAINING_PAIRS = 200
_RIDGE = 10.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Arena:
    """Persons asked about, people to form groups of, and noise: on the cells that any of them has.

    Cells that no sampled person ever adds to carry no weight in any attack and are left out.

    Attributes:
        columns: The cells, shape (cells,).
        targets: Contributions of the persons asked about; shape (targets, cells).
        pool: Contributions of the people that groups are drawn from; shape (people, cells).
        total: Everybody's totals.
        noise: Fresh noise of each repetition; shape (repetitions, cells).
        sd: Of the noise, in lattice units.
    """

    columns: Ints
    targets: csr_array
    pool: csr_array
    total: Ints
    noise: Ints
    sd: Floats

    def up_to(self, last: int) -> Arena:
        """Return the part of this arena on columns below ``last``: its first dates."""
        keep = int(np.searchsorted(self.columns, last))
        return Arena(
            columns=self.columns[:keep],
            targets=self.targets[:, :keep],
            pool=self.pool[:, :keep],
            total=self.total[:keep],
            noise=self.noise[:, :keep],
            sd=self.sd[:keep],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Scores of one attack; shape (repetitions, targets). Higher speaks for "in"."""

    without: Floats
    given: Floats


def arena_of(
    stage: Stage, chance: Generator, *, targets: int, repetitions: int, exact: bool = False
) -> Arena:
    """Return an arena over all dates: random persons to ask about, everybody else as the pool.

    Args:
        stage: The stage, whose mechanisms draw the noise.
        chance: Chooses the persons.
        targets: How many are asked about.
        repetitions: How many draws of noise.
        exact: Whether there is no noise at all, for a negative control.
    """
    order = chance.permutation(stage.vectors.shape[0])
    columns = np.unique(stage.vectors.indices).astype(np.int64)
    people = stage.vectors[:, columns].astype(np.float64)
    noise = np.zeros((repetitions, columns.size), dtype=np.int64)
    batch = max(1, CHUNK_CELLS // columns.size)
    for start in range(0, 0 if exact else repetitions, batch):
        part = noise[start : start + batch]
        part[:] = stage.noisy(part, columns)
    sd = stage.layout.sd[columns]
    return Arena(
        columns=columns,
        targets=people[order[:targets]],
        pool=people[order[targets:]],
        total=stage.total[columns],
        noise=noise,
        sd=stage.layout.factor[columns] / 2.0 if exact else sd,
    )


def sums_of(arena: Arena, chance: Generator, *, size: int | None) -> csr_array | None:
    """Return the exact sums of random groups, one a repetition; None stands for everybody.

    People are drawn with replacement: a group is a sample of the population that the pool shows.
    """
    if size is None:
        return None
    repetitions, people = arena.noise.shape[0], arena.pool.shape[0]
    drawn = chance.integers(people, size=(repetitions, size))
    rows = np.repeat(np.arange(repetitions), size)
    chosen = csr_array((np.ones(drawn.size), (rows, drawn.ravel())), shape=(repetitions, people))
    return csr_array(chosen @ arena.pool)


def likelihood_scores(arena: Arena, sums: csr_array | None, *, size: int) -> Scores:
    """Return the scores of the likelihood ratio attack.

    It knows the mean and the covariance of the population, the noise, and the person's records.
    """
    weights, offset = likelihood_weights(
        arena.targets, arena.pool, size=float(size), variance=np.square(arena.sd)
    )
    mean = np.asarray(arena.pool.mean(axis=0)).ravel()
    seen = _products(arena, sums, weights) - size * (weights @ mean)
    if sums is None:  # everybody is in the total: the person is taken out for "without"
        seen -= 2.0 * offset
    return Scores(without=seen - offset, given=seen + offset)


def zero_knowledge_scores(arena: Arena, sums: csr_array | None, chance: Generator) -> Scores:
    """Return the scores of an attack that knows no trace but the person's own.

    It learns from one published sum how many people are in each cell, makes synthetic groups from
    that, and trains a classifier for each person on pairs of synthetic sums, without and with the
    person and with the same noise in both (Guan et al. 2024). The sum that it learns from is of
    another group of the same size; it is left out of the scores.
    """
    first = arena.total if sums is None else np.asarray(sums[[0]].todense()).ravel()
    learnt = np.maximum(0.0, first + arena.noise[0])
    shape = (arena.noise.shape[0] - 1, arena.targets.shape[0])
    without, given = np.empty(shape), np.empty(shape)
    for j in range(shape[1]):
        person = arena.targets[[j]]
        cells, adds = person.indices, person.data
        weights, centre = _trained(learnt[cells], adds, arena.sd[cells], chance)
        noise = arena.noise[1:, cells]
        if sums is None:
            seen = arena.total[cells] - adds + noise
        else:
            seen = np.asarray(sums[:, cells].todense())[1:] + noise
        moved = float(weights @ adds)
        without[:, j] = (seen - centre) @ weights - moved / 2.0
        given[:, j] = without[:, j] + moved
    return Scores(without=without, given=given)


def _trained(
    expected: Floats, adds: Floats, sd: Floats, chance: Generator
) -> tuple[Floats, Floats]:
    """Return a classifier's weights on a person's cells, and the mean of synthetic sums there.

    A synthetic group has independent counts: in whole units of what the person adds to a cell.
    """
    counts = chance.poisson(expected / adds, size=(_TRAINING_PAIRS, expected.size))
    noise = chance.normal(0.0, sd, size=counts.shape)
    sums = counts * adds + noise
    features = np.concatenate([sums, sums + adds])
    answers = np.repeat([False, True], _TRAINING_PAIRS)
    return logistic(features, answers, ridge=_RIDGE), sums.mean(axis=0)


def _products(arena: Arena, sums: csr_array | None, weights: Floats) -> Floats:
    """Return the published sums times the weights; shape (repetitions, targets)."""
    noise: Floats = arena.noise @ weights.T
    exact = weights @ arena.total if sums is None else np.asarray(sums @ weights.T)
    return noise + exact
