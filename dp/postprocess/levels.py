"""One table measured at several levels: consistent estimates, and sums with the right error."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from dp.postprocess.consistency import Consistent, Tree, consistent
from dp.postprocess.intervals import intervals
from dp.postprocess.sums import NOWHERE, Sums, fourth_cumulant, group_sums
from dp.postprocess.tree_sums import tree_cumulants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dp.keys import KeySet
    from dp.law import NoiseLaw
    from dp.lifts import Lift
    from dp.tables import Noisy

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

STEP = 2.0**-16
"""Published estimates are whole multiples of this part of a unit, so that their sums are exact in
floats, in any order: a parent is exactly the sum of its children. It moves a value by less than a
hundred-thousandth."""


class Best(Protocol):
    """The best unbiased figures of a table on a date, and sums of them."""

    @property
    def keys(self) -> KeySet:
        """The public key set."""
        ...

    @property
    def values(self) -> Floats:
        """Unbiased values in released units, shape (keys.size,); may be negative."""
        ...

    @property
    def sd(self) -> Floats:
        """Standard deviation of their noise; 0 in structural zeros."""
        ...

    def sums(self, groups: Codes, size: int, weights: Floats | None = None) -> Sums:
        """Return sums over groups of cells with their exact error; as ``group_sums``."""
        ...

    def cells(self) -> Sums:
        """Return every cell as a sum of its own."""
        ...

    def interval(self, confidence: float = 0.95) -> tuple[Floats, Floats]:
        """Return ends that hold each cell's value without noise; the value itself where known."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Single:
    """A table measured at one level: the noise of its cells is independent.

    Attributes:
        noisy: The measurement.
    """

    noisy: Noisy

    @property
    def keys(self) -> KeySet:
        """The public key set."""
        return self.noisy.keys

    @property
    def values(self) -> Floats:
        """The measured values."""
        return self.noisy.values

    @property
    def sd(self) -> Floats:
        """Standard deviation of the noise per cell."""
        return self.noisy.sd

    def sums(self, groups: Codes, size: int, weights: Floats | None = None) -> Sums:
        """Return sums over groups of cells."""
        return group_sums(self.noisy, groups, size, weights)

    def cells(self) -> Sums:
        """Return every cell as a sum of its own."""
        size = self.keys.size
        return group_sums(self.noisy, np.arange(size, dtype=np.int64), size)

    def interval(self, confidence: float = 0.95) -> tuple[Floats, Floats]:
        """Return the exact noise intervals of single draws."""
        return intervals(self.noisy, confidence)


@dataclass(frozen=True)
class LevelTree:
    """The levels of a key set, and the noise of each: public, known before anything is drawn.

    Attributes:
        keys: The leaves' key set.
        lifts: The map from the leaves to each level above, each coarser than the one before.
        laws: The noise of each level, the leaves first.

    Raises:
        ValueError: two leaves meet at a level and part again at a higher one.
    """

    keys: KeySet
    lifts: tuple[Lift, ...]
    laws: tuple[NoiseLaw, ...]

    @cached_property
    def tree(self) -> Tree:
        """Leaf cells, and the cells of each level."""
        up, here = [], np.arange(self.keys.size, dtype=np.int64)
        for lift in self.lifts:
            above = lift.cells()
            parents = np.zeros(int(here.max()) + 1, dtype=np.int64)
            parents[here] = above
            if not np.array_equal(parents[here], above):
                raise ValueError("levels must be nested: cells that meet stay together above")
            up.append(parents)
            here = above
        return Tree(self.keys.size, tuple(up))

    @cached_property
    def variances(self) -> tuple[Floats, ...]:
        """Variance of each node's own noise; structural zeros of the leaves are known."""
        return self._own([law.sd**2 for law in self.laws])

    @cached_property
    def fourths(self) -> tuple[Floats, ...]:
        """Fourth cumulant of each node's own noise."""
        return self._own([fourth_cumulant(law) for law in self.laws])

    @cached_property
    def solved(self) -> Consistent:
        """The estimates' variances and gains, with all measurements 0: they need no values."""
        zeros = [np.zeros((size, 1)) for size in self.tree.sizes]
        return consistent(self.tree, zeros, self.variances)

    def _own(self, by_level: Sequence[float]) -> tuple[Floats, ...]:
        first = np.where(self.keys.measured, by_level[0], 0.0)
        rest = zip(self.tree.sizes[1:], by_level[1:], strict=True)
        return (first, *(np.full(size, own) for size, own in rest))


@dataclass(frozen=True, eq=False)
class Levelled:
    """Consistent estimates from the measurements of all levels of a table on a date.

    The generalised least-squares estimates (``consistency.md``), rounded to ``STEP``. Costs
    nothing: it reads measurements and public facts.

    Attributes:
        levels: The levels and their noise.
        measured: The measurements, the leaves first.

    Raises:
        ValueError: not one measurement a level, or of other key sets.
    """

    levels: LevelTree
    measured: tuple[Noisy, ...] = field(repr=False)

    def __post_init__(self) -> None:
        keys = (self.levels.keys, *(lift.coarse for lift in self.levels.lifts))
        if tuple(one.keys for one in self.measured) != keys:
            raise ValueError("levels need one measurement each, over the level's own key set")

    @property
    def keys(self) -> KeySet:
        """The leaves' key set."""
        return self.levels.keys

    @cached_property
    def values(self) -> Floats:
        """Estimates of the leaves in released units; 0 in structural zeros."""
        values = [one.values[:, None] for one in self.measured]
        found = consistent(self.levels.tree, values, self.levels.variances).values[0][:, 0]
        return np.asarray(np.round(found / STEP) * STEP + 0.0, dtype=np.float64)

    @property
    def sd(self) -> Floats:
        """Standard deviation of the leaves' noise, exact."""
        return np.sqrt(self.levels.solved.variances[0])

    def sums(self, groups: Codes, size: int, weights: Floats | None = None) -> Sums:
        """Return sums over groups of leaves with the exact cumulants of their noise."""
        used = groups != NOWHERE
        one = np.ones(self.keys.size) if weights is None else weights
        value = np.bincount(groups[used], (self.values * one)[used], minlength=size)
        variance, fourth = self._cumulants(np.where(used, groups, -1), one, size)
        return Sums(value.astype(np.float64), variance, fourth)

    def cells(self) -> Sums:
        """Return every leaf as a sum of its own."""
        size = self.keys.size
        variance = self.levels.solved.variances[0]
        fourth = np.zeros(size)
        if any(own.any() for own in self.levels.fourths):
            alone = np.arange(size, dtype=np.int64)
            fourth = self._cumulants(alone, np.ones(size), size)[1]
        return Sums(self.values, variance, fourth)

    def interval(self, confidence: float = 0.95) -> tuple[Floats, Floats]:
        """Return normal intervals with the fourth cumulant's correction."""
        return self.cells().interval(confidence)

    def _cumulants(self, groups: Codes, weights: Floats, size: int) -> tuple[Floats, Floats]:
        own = [self.levels.variances, self.levels.fourths]
        heavy = any(fourth.any() for fourth in own[1])
        found = tree_cumulants(
            self.levels.solved,
            own if heavy else own[:1],
            groups=groups,
            weights=weights,
            size=size,
        )
        return found[0], found[1] if heavy else np.zeros(size)
