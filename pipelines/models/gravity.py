"""Origin-destination flows shrunk to a doubly constrained gravity model.

Model: mu_ij = a_i b_j f(x_ij), x the distance or its logarithm, f = exp(-beta x); a and b by
iterative proportional fitting to the noisy margins (Wilson, Transp. Res. 1, 1967; Furness 1965),
beta so that the mean x of the model's trips is the noisy flows' (Hyman, Environ. Plan. 1, 1969).
Of the two forms the likelier one is kept. How true flows scatter about mu is learned from the noisy
cells, and each cell is shrunk by it (``pipelines.models.scatter``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipelines.models.counts import Floats
from pipelines.models.scatter import Posterior, Scatter, scatter

_ROUNDS = 60
_HALVINGS = 24
_TOLERANCE = 1e-4
_STEEPEST = 12.0
_NEAREST_M = 100.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gravity:
    """A fitted gravity model.

    Attributes:
        mean: mu, shape (n, n), 0 in structural zeros.
        beta: Decay of the chosen form.
        form: "power" (of the distance), "exponential", or "margins" (no distance is used).
        scatter: How true flows scatter about ``mean``.
    """

    mean: Floats = field(repr=False)
    beta: float
    form: str
    scatter: Scatter

    def posterior(self, flows: Floats, *, sd: float, measured: NDArray[np.bool_]) -> Posterior:
        """Return what is known of flows, arrays (n, n); 0 in structural zeros."""
        found = Posterior.empty(flows.shape)
        values, at = flows[measured], self.mean[measured]
        found.put(measured, self.scatter.posterior(values, mean=at, noise=sd**2))
        return found


def fit_gravity(
    flows: Floats, *, sd: float, measured: NDArray[np.bool_], distance_m: Floats | None
) -> Gravity:
    """Return the gravity model of a noisy matrix (row = origin). Costs nothing.

    Args:
        flows: Noisy flows, shape (n, n), 0 in structural zeros.
        sd: Standard deviation of the noise of a measured cell.
        measured: False in structural zeros, shape (n, n).
        distance_m: Public distances in metres, shape (n, n); None fits the margins alone.
    """
    rows, columns = _margins(flows, sd=sd, measured=measured)
    fits = []
    for form, x in _forms(distance_m, measured):
        beta, mean = _fitted(flows, x=x, measured=measured, margins=(rows, columns))
        found = scatter(flows[measured], mean=mean[measured], noise=sd**2)
        fits.append(Gravity(mean=mean, beta=beta, form=form, scatter=found))
    return max(fits, key=lambda one: one.scatter.fit)


def shrink_flows(
    flows: Floats, *, sd: float, measured: NDArray[np.bool_], distance_m: Floats | None
) -> tuple[Posterior, Gravity]:
    """Return what is known of a matrix of flows, arrays (n, n), and the model behind it."""
    model = fit_gravity(flows, sd=sd, measured=measured, distance_m=distance_m)
    return model.posterior(flows, sd=sd, measured=measured), model


def distances_m(lat: Floats, lon: Floats) -> Floats:
    """Return great-circle distances between points in degrees, shape (n, n), in metres."""
    phi, lam = np.radians(lat), np.radians(lon)
    half = np.sin((phi[:, None] - phi[None, :]) / 2.0) ** 2
    half += np.cos(phi)[:, None] * np.cos(phi) * np.sin((lam[:, None] - lam[None, :]) / 2.0) ** 2
    return np.asarray(2.0 * 6_371_008.8 * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))))


def _forms(distance_m: Floats | None, measured: NDArray[np.bool_]) -> list[tuple[str, Floats]]:
    """Return each form's x, scaled to a mean of 0 and a spread of 1 over measured cells."""
    if distance_m is None:
        return [("margins", np.zeros(measured.shape))]
    near = np.maximum(distance_m, _NEAREST_M)
    return [("power", _scaled(np.log(near), measured)), ("exponential", _scaled(near, measured))]


def _scaled(x: Floats, measured: NDArray[np.bool_]) -> Floats:
    spread = float(x[measured].std())
    return np.where(measured, (x - x[measured].mean()) / (spread or 1.0), 0.0)


def _margins(flows: Floats, *, sd: float, measured: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return positive row and column sums with one total.

    Each noisy sum becomes its posterior mean under a flat prior on positive numbers (mean of a
    truncated normal): the same where it is clear, small and positive where noise has the upper
    hand, never 0, from which no flow could return.
    """
    whole = max(float(flows[measured].sum()), sd * math.sqrt(float(measured.sum())))
    sums = []
    for axis in (1, 0):
        noise = sd * np.sqrt(np.maximum(measured.sum(axis=axis), 1))
        positive = positive_mean(flows.sum(axis=axis), noise)
        positive = np.where(measured.any(axis=axis), positive, 0.0)
        sums.append(positive * (whole / positive.sum()))
    return sums[0], sums[1]


def positive_mean(mean: Floats, sd: Floats) -> Floats:
    """Return the mean of N(mean, sd^2) given that it is positive; sd > 0, any shape."""
    z = np.clip(mean / sd, -30.0, None)
    below = np.array([math.erfc(-v / math.sqrt(2.0)) / 2.0 for v in z.ravel()]).reshape(z.shape)
    density = np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)
    return np.asarray(sd * (z + density / below))


def _fitted(
    flows: Floats,
    *,
    x: Floats,
    measured: NDArray[np.bool_],
    margins: tuple[Floats, Floats],
) -> tuple[float, Floats]:
    """Return beta and mu: the mean x of mu falls as beta grows, so halving finds the match."""
    whole = float(margins[0].sum())
    due = float(np.sum(flows * x))
    low, high, factors = 0.0, _STEEPEST, np.ones(flows.shape[1])
    if not x.any():
        return 0.0, _balanced(measured.astype(np.float64), margins, factors)[0]
    for _ in range(_HALVINGS):
        beta = (low + high) / 2.0
        mean, factors = _balanced(_decay(beta, x, measured), margins, factors)
        far = float(np.sum(mean * x)) - due
        low, high = (beta, high) if far > 0.0 else (low, beta)
        if abs(far) <= _TOLERANCE * whole:
            break
    return beta, mean


def _decay(beta: float, x: Floats, measured: NDArray[np.bool_]) -> Floats:
    power = -beta * (x - x[measured].min())
    return np.where(measured, np.exp(np.clip(power, -200.0, 0.0)), 0.0)


def _balanced(
    weights: Floats, margins: tuple[Floats, Floats], factors: Floats
) -> tuple[Floats, Floats]:
    """Return mu with the margins by iterative proportional fitting, and the column factors.

    It stops early when both margins hold to 1 part in 10,000, far below their noise.
    """
    rows, columns = margins
    for _ in range(_ROUNDS):
        across = (weights * factors).sum(axis=1)
        left = rows / np.where(across > 0.0, across, 1.0)
        down = (weights * left[:, None]).sum(axis=0)
        due = columns / np.where(down > 0.0, down, 1.0)
        moved = np.abs(due - factors).sum() <= _TOLERANCE * np.abs(due).sum()
        factors = due
        if moved:
            break
    return left[:, None] * weights * factors, factors
