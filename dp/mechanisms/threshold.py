"""The threshold mechanism: noise on the cells that hold anything, released only where it is large.

For key sets too large to enumerate, and for keys that are known from the data alone. It costs a
delta (``threshold.md``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dp.errors import BoundError
from dp.loss import Loss
from dp.mechanisms import _opendp
from dp.mechanisms.gaussian import gaussian
from dp.mechanisms.laplace import laplace

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    from dp.bounds import Bounds
    from dp.law import NoiseKind, NoiseLaw
    from dp.mechanisms.mechanism import Mechanism

_WIDEST = 60
"""Scales above Linf at which the search ends: the Laplace's tail is there below 1e-26."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Noise of one law in each listed cell; what does not reach ``threshold`` is dropped.

    ``cost`` is not given but asked of OpenDP: rho for the noise, delta for the threshold.

    Attributes:
        noise: The noise and the bounds it was made for.
        threshold: In lattice units; at least Linf + 2, so that one person alone hardly shows.
        cost: (rho, delta) for one person.

    Raises:
        BoundError: a threshold that one person could reach without noise.
    """

    noise: Mechanism
    threshold: int
    cost: Loss = field(init=False)

    def __post_init__(self) -> None:
        if self.threshold < _lowest(self.bounds):
            raise BoundError(
                f"a threshold of {self.threshold} lattice units would publish one person's cell,"
                f" which may hold {self.bounds.linf}: take {_lowest(self.bounds)} or more"
            )
        delta = _opendp.threshold_delta(
            self.law.kind, self.law.scale, self.bounds, threshold=self.threshold
        )
        object.__setattr__(self, "cost", Loss(self.noise.cost.rho, delta))

    @property
    def law(self) -> NoiseLaw:
        """The noise of every listed cell."""
        return self.noise.law

    @property
    def bounds(self) -> Bounds:
        """Sensitivity of the totals that may be drawn for, in lattice units, to one person."""
        return self.noise.bounds

    @property
    def least(self) -> float:
        """The threshold in released units."""
        return self.threshold / self.law.factor

    def draw(
        self,
        cells: NDArray[np.int64],
        totals: NDArray[np.int64],
        *,
        threads: int | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (cells, values) that reached the threshold, at a price of ``cost`` for each call.

        Args:
            cells: int64, shape (listed,), ascending: the cells whose total is not 0.
            totals: int64, shape (listed,): their totals in lattice units, above 0.
            threads: Cores to use, at most; None for all that this process may run on.

        Returns:
            Two int64 vectors of shape (released,), in the order of ``cells``.

        Raises:
            BoundError: a listed total is not above 0, or is too large, or not an int64.
        """
        if cells.shape != totals.shape or np.any(totals < 1):
            raise BoundError("a threshold is for listed cells whose total is above 0, no others")
        noisy = self.noise.draw(totals, threads=threads)
        kept = noisy >= self.threshold
        return cells[kept], noisy[kept]


def threshold(
    bounds: Bounds, allotted: Loss, factor: int = 1, *, kind: NoiseKind = "discrete_gaussian"
) -> Threshold:
    """Return noise that costs at most the allotted rho, and the least threshold for the delta.

    Privacy: delta-approximate rho-zCDP (``threshold.md``; Bun and Steinke 2016, Definition 8.1; the
    mechanism follows Korolova et al. 2009 and Rogers 2023, arXiv 2309.09170).

    Args:
        bounds: Sensitivity in lattice units to one person: L2 (or L1 for Laplace) gives the noise,
            L0 and Linf the threshold.
        allotted: rho and delta that may be spent.
        factor: Lattice units in one released unit.
        kind: Which noise.

    Raises:
        BoundError: no rho or no delta allotted, or a delta that double precision cannot certify.
    """
    if allotted.delta <= 0:
        raise BoundError(
            "delta 0 is allotted: a threshold needs some, because a key that one person alone"
            " holds is published with a small probability"
        )
    make = laplace if kind == "discrete_laplace" else gaussian
    noise = make(bounds, allotted.rho, factor)
    return Threshold(noise, _least(noise, allotted.delta))


def _least(noise: Mechanism, delta: Fraction) -> int:
    """Return the least threshold whose delta is at most this, by bisection over integers."""
    low = _lowest(noise.bounds) - 1
    high = noise.bounds.linf + math.ceil(_WIDEST * noise.law.scale) + 2
    if not _fits(noise, high, delta):
        raise BoundError(
            f"no threshold keeps delta at {float(delta):g} for a person in {noise.bounds.l0:,}"
            " cells: keep fewer cells of a person (a smaller cap, or bounding by sampling), or"
            " allot more delta"
        )
    while high - low > 1:
        middle = (low + high) // 2
        if _fits(noise, middle, delta):
            high = middle
        else:
            low = middle
    return high


def _fits(noise: Mechanism, threshold: int, delta: Fraction) -> bool:
    return Threshold(noise, threshold).cost.delta <= delta


def _lowest(bounds: Bounds) -> int:
    return bounds.linf + 2
