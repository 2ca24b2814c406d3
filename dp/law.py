"""The distribution of noise that was added, for intervals and error columns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

NoiseKind = Literal["discrete_gaussian", "discrete_laplace"]
_SERIES_BELOW = (
    5.0  # above five lattice steps the discrete Gaussian's variance is the scale's square
)


@dataclass(frozen=True, slots=True)
class NoiseLaw:
    """Noise of one kind and scale on a lattice of ``1 / factor`` released units.

    Attributes:
        kind: Which discrete distribution.
        scale: Its scale in lattice steps (sigma of the Gaussian, b of the Laplace).
        factor: Lattice steps in one released unit.
    """

    kind: NoiseKind
    scale: float
    factor: int = 1

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ValueError(f"noise scale must be above 0, got {self.scale}")

    @property
    def sd(self) -> float:
        """Standard deviation in released units."""
        if self.kind == "discrete_laplace":
            q = math.exp(-1.0 / self.scale)
            return math.sqrt(2.0 * q) / (1.0 - q) / self.factor
        if self.scale >= _SERIES_BELOW:
            return self.scale / self.factor
        steps = np.arange(-60, 61)
        mass = np.exp(-0.5 * (steps / self.scale) ** 2)
        return float(math.sqrt(np.sum(mass * steps**2) / np.sum(mass))) / self.factor

    def half_width(self, confidence: float) -> float:
        """Half of a central interval that holds the noise with at least ``confidence``."""
        if self.kind == "discrete_laplace":
            # P(|X| >= n) = 2 q^n / (1 + q)
            q = math.exp(-1.0 / self.scale)
            beyond = math.log((1.0 - confidence) * (1.0 + q) / 2.0) / math.log(q)
            return max(0, math.ceil(beyond) - 1) / self.factor
        return float(stats.norm.ppf(0.5 + confidence / 2.0)) * self.scale / self.factor
