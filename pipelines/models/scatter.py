"""Empirical Bayes: how true counts scatter about a model's mean, learned from the noisy cells.

A cell's truth is a count about mu r, where r is drawn from a grid: 0 (no flow where the model sees
one), 1 (the model is right), and factors of 1/29 to 29; or about a size that has nothing to do with
mu, from 1 up. How often each occurs is what makes all noisy cells likeliest, separately for classes
of cells with similar mu. So half the cells may be empty and a few may lie far from the model (a
commuter town, a factory) without loosening it for all, and an interval may begin at 0 and be
lopsided.

Source: Efron, Two modeling strategies for empirical Bayes estimation, Stat. Sci. 29, 2014; Koenker
and Mizera, Convex optimization, shape constraints, compound decisions and empirical Bayes rules,
JASA 109, 2014 (mixing law by maximum likelihood on a grid); EM by Laird, JASA 73, 1978.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipelines.models.counts import Floats, count_quantiles, normal_cdf

_STEP, _STEPS = 1.4, 10
_WIDTH = 0.17  # half of a step: neighbouring bumps overlap to a smooth law
_CLOSE = 0.06
_FAR_STEP, _FAR_WIDTH = 1.6, 0.3
_ROUNDS = 100
_CLASS, _CLASSES = 500, 12
_MOST = 4_000
_CHUNK = 20_000
_TAILS = (0.025, 0.975)
_CANTELLI = 6.25  # no law has more than 2.5% beyond so many sd on one side; its median is within 1
_NAMES = ("mean", "sd", "lo", "hi", "zero")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posterior:
    """What is known of some cells' true counts; arrays of one shape.

    Attributes:
        mean: Posterior means.
        sd: Posterior standard deviations.
        lo: 2.5% quantiles, whole numbers of 0 or more.
        hi: 97.5% quantiles.
        zero: Probability that the truth is 0.
    """

    mean: Floats
    sd: Floats
    lo: Floats
    hi: Floats
    zero: Floats

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> Self:
        """Return the posterior of cells that are 0 by rule."""
        mean, sd, lo, hi = np.zeros((4, *shape))
        return cls(mean=mean, sd=sd, lo=lo, hi=hi, zero=np.ones(shape))

    def at(self, where: object) -> Posterior:
        """Return the posterior of some of the cells."""
        return Posterior(**{name: getattr(self, name)[where] for name in _NAMES})

    def flat(self) -> Posterior:
        """Return the same cells in one dimension."""
        return Posterior(**{name: getattr(self, name).ravel() for name in _NAMES})

    def put(self, where: object, other: Posterior) -> None:
        """Write another posterior into some of the cells."""
        for name in _NAMES:
            getattr(self, name)[where] = getattr(other, name)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scatter:
    """A mixture of laws of the truth given mu, one set of weights for each class of mu.

    Attributes:
        factor: The r of each component in proportion to mu, and its relative width.
        far: Sizes of the components that have nothing to do with mu.
        edges: Between classes of mu, shape (classes - 1,).
        weight: Probability of each component, shape (classes, components).
        fit: Log likelihood of what was fitted, to compare models of one set of cells.
    """

    factor: tuple[Floats, Floats] = field(repr=False)
    far: Floats = field(repr=False)
    edges: Floats = field(repr=False)
    weight: Floats = field(repr=False)
    fit: float

    def posterior(
        self, values: Floats, *, mean: Floats, noise: Floats | float, error: Floats | float = 0.0
    ) -> Posterior:
        """Return what is known of the truth of each cell.

        Args:
            values: Noisy values, shape (cells,).
            mean: The model's means mu, shape (cells,).
            noise: Variance of the noise of a cell, above 0.
            error: Variance of mu itself.
        """
        found = Posterior.empty(values.shape)
        mean, noise, error = (np.broadcast_to(x, values.shape) for x in (mean, noise, error))
        for start in range(0, len(values), _CHUNK):
            part = slice(start, start + _CHUNK)
            about = np.clip(mean[part], 0.0, None)
            centre, variance = _components(about, error[part], factor=self.factor, far=self.far)
            log = _log_likelihood(values[part], centre, variance + noise[part][:, None])
            weight = self.weight[np.searchsorted(self.edges, about, side="right")]
            with np.errstate(divide="ignore"):
                log += np.log(weight)
            held = np.exp(log - log.max(axis=1, keepdims=True))
            held /= held.sum(axis=1, keepdims=True)
            kept = variance / (variance + noise[part][:, None])
            centre = centre + kept * (values[part][:, None] - centre)
            found.put(part, _summary(held, centre, kept * noise[part][:, None]))
        return found


def scatter(
    values: Floats, *, mean: Floats, noise: Floats | float, error: Floats | float = 0.0
) -> Scatter:
    """Return the mixture under which noisy values are likeliest; arguments as in ``posterior``.

    Of a class with more than 4,000 cells every k-th is used: the fit has few numbers to find.
    """
    about = np.clip(mean, 0.0, None)
    noise, error = (np.broadcast_to(x, values.shape) for x in (noise, error))
    top = max(float(values.max(initial=0.0)), 4.0 * math.sqrt(float(noise.max(initial=1.0))))
    steps = math.ceil(math.log(max(top, 1.0)) / math.log(_FAR_STEP))
    far = np.asarray(_FAR_STEP ** np.arange(steps + 1.0), dtype=np.float64)
    factor = _factors()
    classes = min(max(len(values) // _CLASS, 1), _CLASSES)
    edges = np.unique(np.quantile(about, np.arange(1, classes) / classes)) if len(about) else about
    weights, fit = [], 0.0
    for at in _classes(about, edges):
        centre, variance = _components(about[at], error[at], factor=factor, far=far)
        log = _log_likelihood(values[at], centre, variance + noise[at][:, None])
        weight, likelihood = _likeliest(log)
        weights.append(weight)
        fit += likelihood
    return Scatter(factor=factor, far=far, edges=edges, weight=np.array(weights), fit=fit)


def _factors() -> tuple[Floats, Floats]:
    steps = _STEP ** np.arange(-_STEPS, _STEPS + 1.0)
    centres = np.concatenate(([0.0, 1.0, 1.0], steps))
    widths = np.concatenate(([0.0, 0.0, _CLOSE], np.full(len(steps), _WIDTH)))
    return centres, widths


def _classes(about: Floats, edges: Floats) -> Iterator[NDArray[np.int64]]:
    """Yield the cells of each class of mu, at most some thousands of each."""
    number = np.searchsorted(edges, about, side="right")
    for one in range(len(edges) + 1):
        at = np.flatnonzero(number == one)
        yield at[:: max(1, len(at) // _MOST)]


def _components(
    about: Floats, error: Floats, *, factor: tuple[Floats, Floats], far: Floats
) -> tuple[Floats, Floats]:
    """Return mean and variance of the truth in each component, shape (cells, components).

    Each is a count (Poisson) of a mean that scatters itself. An error of mu widens the components
    in proportion to mu, but for the one that is 0.
    """
    centres, widths = factor
    near = about[:, None] * centres
    wide = (widths * near) ** 2 + np.where(centres > 0.0, error[:, None], 0.0)
    away = np.broadcast_to(far, (len(about), len(far)))
    centre = np.concatenate([near, away], axis=1)
    variance = np.concatenate([near + wide, away + (_FAR_WIDTH * away) ** 2], axis=1)
    return centre, variance


def _log_likelihood(values: Floats, centre: Floats, variance: Floats) -> Floats:
    return np.asarray(-0.5 * (np.log(variance) + (values[:, None] - centre) ** 2 / variance))


def _likeliest(log: Floats) -> tuple[Floats, float]:
    """Return the weights that maximise the likelihood (EM from equal ones), and its logarithm."""
    weight = np.full(log.shape[1], 1.0 / log.shape[1])
    if not len(log):
        return weight, 0.0
    top = log.max(axis=1, keepdims=True)
    likelihood = np.exp(log - top)
    for _ in range(_ROUNDS):
        held = likelihood * weight
        weight = (held / held.sum(axis=1, keepdims=True)).mean(axis=0)
    return weight, float(np.sum(np.log(likelihood @ weight)) + top.sum())


def _summary(held: Floats, centre: Floats, variance: Floats) -> Posterior:
    """Return moments and quantiles of each row's mixture of normals."""
    mean = np.sum(held * centre, axis=1)
    second = np.sum(held * (variance + centre**2), axis=1)
    sd, sds = np.sqrt(np.clip(second - mean**2, 0.0, None)), np.sqrt(np.maximum(variance, 1e-18))

    def cdf(count: Floats) -> Floats:
        return np.asarray(np.sum(held * normal_cdf((count[:, None] + 0.5 - centre) / sds), axis=1))

    return Posterior(
        mean=np.clip(mean, 0.0, None),
        sd=sd,
        lo=count_quantiles(cdf, _TAILS[0], between=(mean - _CANTELLI * sd, mean + sd)),
        hi=count_quantiles(cdf, _TAILS[1], between=(mean - sd, mean + _CANTELLI * sd)),
        zero=cdf(np.zeros(len(mean))),
    )


def unpooled(values: Floats, *, sd: Floats | float) -> Posterior:
    """Return what is known of counts of which nothing but a noisy value is: 0 or more, no model.

    ``mean`` is the value itself and may be negative; the interval is that of the normal law about
    it, cut at 0.
    """
    spread = np.broadcast_to(sd, values.shape)
    centre = np.maximum(values, -4.5 * spread)  # beyond it the law of what is left hardly changes
    below = normal_cdf((-0.5 - centre) / spread)

    def cdf(count: Floats) -> Floats:
        inside = normal_cdf((count + 0.5 - centre) / spread) - below
        return np.asarray(inside / (1.0 - below))

    ends = (centre - _CANTELLI * spread, np.clip(centre, 0.0, None) + _CANTELLI * spread)
    lo, hi = (count_quantiles(cdf, tail, between=ends) for tail in _TAILS)
    return Posterior(
        mean=values.copy(), sd=spread.copy(), lo=lo, hi=hi, zero=np.zeros(values.shape)
    )
