"""Membership tests on aggregates: scores, their quality, and the most that a loss allows.

The attacker holds one person's contributions, sees a noisy sum over a group, and asks whether the
person is in the group.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.special import expit, log_expit
from scipy.stats import rankdata

from dp.accounting.convert import attack_bound, gaussian_auc, gaussian_mu

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Floats = NDArray[np.float64]


def likelihood_weights(
    targets: csr_array, people: csr_array, *, size: float, variance: Floats
) -> tuple[Floats, Floats]:
    """Return, for each target, the weights of the likelihood ratio test of a group's noisy sum.

    Everyone else is modelled as Gaussian with the mean and covariance S of ``people``; the sum of
    ``size`` of them plus noise has covariance V = size S + diag(variance). Adding a person x moves
    its mean by x, so that the best test is linear with w = V^-1 x (Homer et al. 2008; Pyrgelis,
    Troncoso and De Cristofaro 2018, arXiv 1708.06145, set the problem). V is inverted through the
    sample (Woodbury), never formed.

    Args:
        targets: Contributions of the persons asked about; shape (targets, cells).
        people: Contributions of a reference sample; shape (people, cells).
        size: How many others are in the group.
        variance: Of the noise of each cell, above 0; shape (cells,).

    Returns:
        Weights, shape (targets, cells), and half of x'w for each target, shape (targets,): the
        offset that makes scores of different targets comparable.
    """
    count, mean = people.shape[0], np.asarray(people.mean(axis=0)).ravel()
    half = math.sqrt(size / count)
    scaled = people.multiply(1.0 / variance).tocsr()
    cross = np.asarray((people @ scaled.T).todense()) * half * half
    shift = np.asarray(scaled @ mean) * half * half
    centre = float(mean @ (mean / variance)) * half * half
    inner = np.eye(count) + cross - shift[:, None] - shift[None, :] + centre
    factor = cho_factor(inner, lower=True)
    plain = np.asarray(targets.multiply(1.0 / variance).todense(), dtype=np.float64)
    seen = (np.asarray(people @ plain.T) - (plain @ mean)[None, :]) * half
    solved = cho_solve(factor, seen)
    back = np.asarray(people.T @ solved) - np.outer(mean, solved.sum(axis=0))
    weights = plain - (back * half / variance[:, None]).T
    return weights, 0.5 * np.asarray(targets.multiply(weights).sum(axis=1)).ravel()


def logistic(features: Floats, answers: NDArray[np.bool_], *, ridge: float = 1.0) -> Floats:
    """Return a ridge-penalised logistic regression on standardised features, as raw weights.

    Args:
        features: Shape (examples, features).
        answers: Whether the person was in; shape (examples,).
        ridge: Penalty on the squared weights of standardised features.

    Returns:
        One weight for each feature, shape (features,). An intercept does not order scores and is
        not returned.
    """
    mean, sd = features.mean(axis=0), features.std(axis=0)
    sd = np.where(sd > 0, sd, 1.0)
    rows = np.column_stack([(features - mean) / sd, np.ones(len(features))])
    sign = np.where(answers, 1.0, -1.0)
    penalty = np.append(np.full(features.shape[1], ridge), 0.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = sign * (rows @ weights)
        value = -float(np.sum(log_expit(margin))) + 0.5 * float(penalty @ weights**2)
        gradient: Floats = -rows.T @ (sign * expit(-margin)) + penalty * weights
        return value, gradient

    found = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B")
    weights: Floats = found.x[:-1] / sd
    return weights


def auc(without: Floats, given: Floats) -> float:
    """Return the area under the curve: P(score with > score without), ties counting half.

    >>> auc(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    0.875
    """
    ranks = rankdata(np.concatenate([without, given]))
    top = float(ranks[without.size :].sum()) - given.size * (given.size + 1) / 2.0
    return top / (without.size * given.size)


def hits_at(without: Floats, given: Floats, false_positives: float = 0.01) -> float:
    """Return the share of true positives at a share of false positives.

    The threshold is the largest that lets at most that share of ``without`` through.

    >>> hits_at(np.arange(100.0), np.arange(100.0) + 50, 0.01)
    0.51
    """
    allowed = math.floor(false_positives * without.size)
    cut = np.sort(without)[without.size - allowed - 1]
    return float(np.mean(given > cut))


def clustered(values: Floats, estimate: float) -> float:
    """Return the standard error of an estimate from its leave-one-cluster-out values (jackknife).

    Args:
        values: The estimate with each cluster left out in turn; shape (clusters,).
        estimate: The estimate from all of them.
    """
    clusters = values.size
    return math.sqrt((clusters - 1) / clusters * float(np.sum((values - estimate) ** 2)))


def auc_cap(rho: float) -> float:
    """Return the most that an AUC can be at this rho: Phi(mu / sqrt 2). An approximate form."""
    return gaussian_auc(rho)


@cache
def certified_auc_cap(rho: float, steps: int = 2_000) -> float:
    """Return the most that an AUC can be, as certified: the area under the bound on any attack.

    The bound on true positives grows with false positives, so the sum over right ends of steps is
    never below the area.
    """
    rates = (np.arange(steps) + 1.0) / steps
    return min(1.0, float(np.mean([attack_bound(float(rate), rho) for rate in rates])))


def hits_cap(rho: float, false_positives: float = 0.01) -> tuple[float, float]:
    """Return the most that true positives can be: as certified, and in the Gaussian form."""
    normal = NormalDist()
    gaussian = normal.cdf(normal.inv_cdf(false_positives) + gaussian_mu(rho))
    return attack_bound(false_positives, rho), gaussian
