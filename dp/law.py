"""The distribution of noise that was added, for intervals and error columns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

NoiseKind = Literal["discrete_gaussian", "discrete_laplace"]
KINDS: tuple[NoiseKind, ...] = ("discrete_gaussian", "discrete_laplace")
MIN_SCALE = 0.125
"""Below an eighth of a lattice step hardly any cell would be touched (Gaussian: 1 in 10^13)."""

_SERIES_BELOW = 5.0  # from here on the discrete Gaussian's variance is the scale's square
_EXACT_BELOW = 1000.0  # from here on one lattice step is below 0.1% of the scale


@dataclass(frozen=True, slots=True)
class NoiseLaw:
    """Noise of one kind and scale on a lattice of ``1 / factor`` released units.

    Attributes:
        kind: Which discrete distribution.
        scale: Its scale in lattice steps (sigma of the Gaussian, b of the Laplace).
        factor: Lattice steps in one released unit.

    Raises:
        ValueError: for an unknown kind, a scale below ``MIN_SCALE`` or not finite, or a factor
            below 1.
    """

    kind: NoiseKind
    scale: float
    factor: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"noise kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if not MIN_SCALE <= self.scale < math.inf:
            raise ValueError(f"noise scale must be {MIN_SCALE} or more, got {self.scale}")
        if self.factor < 1:
            raise ValueError(f"factor must be 1 or more, got {self.factor}")

    @property
    def sd(self) -> float:
        """Standard deviation in released units."""
        if self.kind == "discrete_laplace":
            decay = -1.0 / self.scale
            return math.sqrt(2.0 * math.exp(decay)) / -math.expm1(decay) / self.factor
        if self.scale >= _SERIES_BELOW:
            return self.scale / self.factor
        steps = np.arange(-60, 61)
        mass = np.exp(-0.5 * (steps / self.scale) ** 2)
        return float(math.sqrt(np.sum(mass * steps**2) / np.sum(mass))) / self.factor

    def half_width(self, confidence: float) -> float:
        """Half of a central interval that holds the noise with at least ``confidence``.

        In released units; the least such whole number of lattice steps (for a discrete Gaussian
        with a scale of 1,000 steps or more, at most one step above the least).
        """
        if not 0.0 < confidence < 1.0:
            raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
        if self.kind == "discrete_laplace":
            return _laplace_steps(self.scale, confidence) / self.factor
        return _gaussian_steps(self.scale, confidence) / self.factor


def _laplace_steps(scale: float, confidence: float) -> int:
    """Return the least n with P(|X| > n) <= 1 - confidence; P(|X| >= m) = 2 q^m / (1 + q)."""
    q = math.exp(-1.0 / scale)
    beyond = -scale * math.log((1.0 - confidence) * (1.0 + q) / 2.0)
    return max(0, math.ceil(beyond) - 1)


def _gaussian_steps(scale: float, confidence: float) -> int:
    """Return an n with P(|X| > n) <= 1 - confidence.

    The normal quantile rounded up always holds: the mass beyond n is below the integral from n
    on, and the normaliser is at least sigma sqrt(2 pi) (Poisson summation), so that
    P(|X| > n) <= P(|Z| >= n / sigma) for a standard normal Z. Below ``_EXACT_BELOW`` the mass is
    added up, which may save a step.
    """
    safe = math.ceil(NormalDist().inv_cdf(0.5 + confidence / 2.0) * scale)
    if scale >= _EXACT_BELOW:
        return safe
    steps = np.arange(1, safe + math.ceil(40 * scale) + 1)
    mass = 2.0 * np.exp(-0.5 * (steps / scale) ** 2)
    held = np.cumsum(np.concatenate(([1.0], mass)))
    return min(safe, int(np.searchsorted(held / held[-1], confidence)))
