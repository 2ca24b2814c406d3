"""Empirical Bayes: how far true cells lie from a model's mean, learned from the noisy cells.

A cell's truth is N(mu, mu + phi mu^power): it scatters at least as a count does (Poisson), and phi
is drawn from a small grid, whose probabilities are those that make all noisy cells likeliest. So a
few cells may lie far from the model (a commuter town, a factory) without loosening it for all.

Source: Stephens, False discovery rates: a new deal, Biostatistics 18, 2017 (adaptive shrinkage);
Efron and Morris, JASA 70, 1975 (empirical Bayes).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_POWERS = (1.0, 1.5, 2.0)
_GRID = 16
_ROUNDS = 60
_MOST = 20_000
_CHUNK = 50_000
_CLEAR = 9.0  # a squared residual beyond three sd of noise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Departure:
    """Mixture of normals about a mean mu, the variance of each ``mu + phi * mu ** power``.

    Attributes:
        phi: Shape (components,); the first is 0: a Poisson count about the model.
        weight: Probability of each component, shape (components,).
        power: 1 for spread like a count's, 2 for spread in proportion to mu.
        fit: Log likelihood of what was fitted, to compare models of one set of cells.
    """

    phi: Floats = field(repr=False)
    weight: Floats = field(repr=False)
    power: float
    fit: float

    def posterior(self, residual: Floats, *, mean: Floats, noise: float) -> tuple[Floats, Floats]:
        """Return posterior mean and variance of (truth - mean), each of shape (cells,).

        Args:
            residual: Noisy value less mean, shape (cells,).
            mean: The model's means, shape (cells,).
            noise: Variance of the noise of a cell, above 0.
        """
        centre, variance = np.empty_like(residual), np.empty_like(residual)
        for start in range(0, len(residual), _CHUNK):
            part = slice(start, start + _CHUNK)
            about = np.clip(mean[part], 0.0, None)[:, None]
            spread = about + self.phi * about**self.power
            k = spread / (spread + noise)
            held = _likelihood(residual[part] ** 2, spread + noise)[0] * self.weight
            held /= held.sum(axis=1, keepdims=True)
            means = k * residual[part][:, None]
            centre[part] = np.sum(held * means, axis=1)
            second = np.sum(held * (k * noise + means**2), axis=1)
            variance[part] = np.clip(second - centre[part] ** 2, 0.0, None)
        return centre, variance


def departure(residual: Floats, *, mean: Floats, noise: float) -> Departure:
    """Return the mixture under which the residuals are likeliest (EM), over three powers.

    From 20,000 cells on every k-th cell is used: the fit has few numbers to find.

    Args:
        residual: Noisy value less mean, shape (cells,).
        mean: The model's means, shape (cells,).
        noise: Variance of the noise of a cell, above 0.
    """
    stride = max(1, -(-len(mean) // _MOST))
    square, means = residual[::stride] ** 2, np.clip(mean[::stride], 0.0, None)
    fits = [_mixture(square, mean=means, noise=noise, power=power) for power in _POWERS]
    return max(fits, key=lambda one: one.fit)


def _mixture(square: Floats, *, mean: Floats, noise: float, power: float) -> Departure:
    phi = _grid(square, shape=mean**power, noise=noise)
    variance = mean[:, None] + phi * (mean**power)[:, None] + noise
    likelihood, top = _likelihood(square, variance)
    weight = np.full(len(phi), 1.0 / len(phi))
    for _ in range(_ROUNDS):
        held = likelihood * weight
        whole = held.sum(axis=1)
        weight = (held / whole[:, None]).mean(axis=0)
    fit = float(np.sum(np.log(np.sum(likelihood * weight, axis=1)) + top))
    return Departure(phi=phi, weight=weight, power=power, fit=fit)


def _grid(square: Floats, *, shape: Floats, noise: float) -> Floats:
    """Return 0 and factors from "far below the noise" up to the farthest clear cell."""
    positive = shape > 0.0
    if not positive.any():
        return np.zeros(1)
    low = 0.05 * noise / float(np.quantile(shape[positive], 0.95))
    clear = positive & (square > _CLEAR * noise)
    high = float(np.max((square - noise)[clear] / shape[clear])) if clear.any() else 0.0
    return np.concatenate(([0.0], np.geomspace(low, max(high, 1e4 * low), _GRID)))


def _likelihood(square: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Return each component's likelihood relative to the best (cells, components), and its log."""
    log = -0.5 * (np.log(variance) + square[:, None] / variance)
    top = log.max(axis=1)
    return np.exp(log - top[:, None]), top
