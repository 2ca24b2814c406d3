"""A noise mechanism: a law of noise, the bounds it was made for, and what OpenDP says it costs."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dp.errors import BoundError
from dp.law import MIN_SCALE, NoiseKind, NoiseLaw
from dp.loss import Loss, Rho
from dp.mechanisms import _opendp

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    from dp.bounds import Bounds

MAX_TOTAL = 2**62
MAX_SCALE = 2.0**50
_TRIES = 40
_BITS = 24


@dataclass(frozen=True, slots=True)
class Mechanism:
    """Independent noise of one law in every cell of a vector with these bounds.

    ``cost`` is not given but asked of OpenDP, so that no mechanism can claim less than it spends.

    Attributes:
        law: The noise.
        bounds: Sensitivity of the vectors that may be drawn for, in lattice units, to one person.
        cost: rho of zCDP for one person by OpenDP's map, an exact fraction; delta 0.

    Raises:
        BoundError: a scale above 2^50 steps, or a person who can move a cell by 2^62 or more:
            64-bit integers could overflow.
    """

    law: NoiseLaw
    bounds: Bounds
    cost: Loss = field(init=False)

    def __post_init__(self) -> None:
        if self.law.scale > MAX_SCALE or max(self.bounds.linf, self.bounds.l1) >= MAX_TOTAL:
            raise BoundError(
                f"a noise scale of {self.law.scale:g} steps for bounds {self.bounds} does not fit "
                "64-bit integers: take a smaller factor or cap, or more rho"
            )
        rho = Rho(_opendp.rho(self.law.kind, self.law.scale, self.bounds))
        object.__setattr__(self, "cost", Loss(rho))

    def draw(self, totals: NDArray[np.int64], *, threads: int | None = None) -> NDArray[np.int64]:
        """Return totals plus fresh noise: what may leave, at a price of ``cost`` for each call.

        Args:
            totals: int64, shape (cells,): the measured cells of a bounded table, in lattice units.
            threads: Cores to use, at most; None for all that this process may run on.

        Returns:
            int64, shape (cells,). Cells are drawn in chunks; their noise is independent.

        Raises:
            BoundError: not a flat int64 vector, or a total of 2^62 or more, which no data set of
                fewer than 2^40 persons can reach.
        """
        if totals.dtype != np.int64 or totals.ndim != 1:
            raise BoundError(
                f"noise is drawn for a flat int64 vector, got {totals.dtype} {totals.shape}: "
                "signed 64-bit integers are the only type that neither clamps nor wraps"
            )
        if totals.size and (totals.max() >= MAX_TOTAL or totals.min() <= -MAX_TOTAL):
            raise BoundError("a total is too large for noise to be added in 64-bit integers")
        return _opendp.add_noise(
            self.law.kind, self.law.scale, totals, threads=min(threads or 1024, _cores())
        )


def calibrate(
    kind: NoiseKind, guess: float, *, bounds: Bounds, allotted: Rho, factor: int
) -> Mechanism:
    """Return the mechanism whose scale is the guess, or as little above it as OpenDP's map asks.

    The scale is rounded up to 24 significant bits, by less than one part in 8 million: OpenDP
    computes with exact fractions, and those of a short scale take a sixth less time to draw with.

    Args:
        kind: Which noise.
        guess: The scale by the textbook formula, in lattice steps.
        bounds: Sensitivity in lattice units to one person.
        allotted: The cost is at most this.
        factor: Lattice units in one released unit.

    Raises:
        BoundError: nothing is allotted, or so much that hardly any cell would get noise.
    """
    if not guess >= MIN_SCALE:
        raise BoundError(
            f"rho {allotted.value} would leave the table almost without noise (a scale of "
            f"{guess:g} lattice steps): allot less, or raise the factor"
        )
    scale, step = _short(guess)
    for _ in range(_TRIES):
        mechanism = Mechanism(NoiseLaw(kind, scale, factor), bounds)
        if mechanism.cost.rho <= allotted:
            return mechanism
        scale, step = scale + step, step * 2
    raise BoundError(f"OpenDP's map stays above rho {allotted.value} near a scale of {guess:g}")


def _short(scale: float) -> tuple[float, float]:
    """Return a scale rounded up to few bits, and the distance to the next such scale."""
    part, power = math.frexp(scale)
    step = math.ldexp(1.0, power - _BITS)
    return math.ceil(math.ldexp(part, _BITS)) * step, step


def positive(allotted: Rho) -> Fraction:
    """Return the allotted rho; BoundError when it is 0, for which no noise is enough."""
    if allotted.value <= 0:
        raise BoundError("rho 0 is allotted: a table needs a share above 0")
    return allotted.value


def _cores() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
