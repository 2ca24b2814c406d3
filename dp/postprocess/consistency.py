"""Consistent estimates over a tree of levels: generalised least squares in two passes.

Each level was measured by itself, so a parent's measurement and the sum of its children's differ
by noise. ``consistent`` gives the best linear unbiased estimates under which every parent is
exactly the sum of its children, with their exact covariance. The proof is ``consistency.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Levels of nodes, the leaves first.

    Attributes:
        leaves: Number of leaves.
        up: For each level but the top one, the position of each node's parent in the level above.

    Raises:
        ValueError: a level does not follow from the one below: a node above without children.
    """

    leaves: int
    up: tuple[NDArray[np.int64], ...]

    def __post_init__(self) -> None:
        size = self.leaves
        for i, parents in enumerate(self.up):
            if parents.shape != (size,):
                raise ValueError(f"level {i} has {size} nodes, but {parents.shape[0]} parents")
            size = int(parents.max(initial=-1)) + 1
            if not np.array_equal(np.unique(parents), np.arange(size)):
                raise ValueError(f"level {i + 1} has a node without children: its number is free")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Nodes of each level, the leaves first."""
        return (self.leaves, *(int(parents.max()) + 1 for parents in self.up))


@dataclass(frozen=True, slots=True, eq=False)
class Consistent:
    """Estimates of every node; a parent is the sum of its children up to rounding of floats.

    Attributes:
        values: By level, shape (nodes, columns).
        variances: By level, shape (nodes,); the same in every column.
        tree: The levels.
        gains: By level but the top one, what a node takes of its parent's correction.
        below: By level, the variance of the sum of the children's estimates from below.
    """

    values: tuple[Floats, ...]
    variances: tuple[Floats, ...]
    tree: Tree = field(repr=False)
    gains: tuple[Floats, ...] = field(repr=False)
    below: tuple[Floats, ...] = field(repr=False)

    def covariance(self, one: tuple[int, int], other: tuple[int, int]) -> float:
        """Return the exact covariance of two nodes of one column; 0 under different roots.

        Args:
            one: Level (0 for leaves) and node.
            other: The same.
        """
        (low, a), (high, b) = sorted((one, other))
        gain_a = gain_b = 1.0
        for level in range(low, high):
            gain_a *= float(self.gains[level][a])
            a = int(self.tree.up[level][a])
        if a == b:
            return gain_a * float(self.variances[high][a])
        for level in range(high, len(self.tree.up)):
            gain_a *= float(self.gains[level][a])
            gain_b *= float(self.gains[level][b])
            a, b = int(self.tree.up[level][a]), int(self.tree.up[level][b])
            if a == b:
                spread = self.variances[level + 1][a] - self.below[level + 1][a]
                return gain_a * gain_b * float(spread)
        return 0.0


def consistent(tree: Tree, values: Sequence[Floats], variances: Sequence[Floats]) -> Consistent:
    """Return the generalised least-squares estimates of all nodes. Costs nothing: postprocessing.

    Time and memory grow with the number of nodes. Columns (time bins) are independent trees with
    the same variances.

    Args:
        tree: The levels.
        values: Unbiased measurements by level, the leaves first, shape (nodes, columns), with
            independent noise.
        variances: Variance of each node's noise by level, shape (nodes,): 0 where a value is known,
            inf where a node was not measured.

    Raises:
        ValueError: shapes that are not the tree's, a negative variance, or a leaf that was not
            measured.

    Source: Hay, Rastogi, Miklau and Suciu, Boosting the accuracy of differentially private
    histograms through consistency, VLDB 2010, Theorem 3, for any tree and unequal variances.
    """
    _check(tree, values, variances)
    best, spread, sums, below = _climb(tree, values, variances)
    final, error = [best[-1]], [spread[-1]]
    gains: list[Floats] = []
    for level in range(len(tree.up) - 1, -1, -1):
        parents = tree.up[level]
        whole = below[level + 1][parents]
        gain = np.divide(spread[level], whole, out=np.zeros_like(whole), where=whole > 0)
        missed = (final[-1] - sums[level + 1])[parents]
        final.append(best[level] + gain[:, None] * missed)
        error.append(spread[level] + gain**2 * (error[-1][parents] - whole))
        gains.append(gain)
    ends = [np.maximum(one, 0.0) for one in reversed(error)]
    return Consistent(tuple(reversed(final)), tuple(ends), tree, tuple(reversed(gains)), below)


def _climb(
    tree: Tree, values: Sequence[Floats], variances: Sequence[Floats]
) -> tuple[list[Floats], list[Floats], list[Floats], tuple[Floats, ...]]:
    """Return, by level, each node's best estimate from its own subtree and that one's variance.

    Beside them the sums of the children's best estimates and the variances of those sums.
    """
    best, spread = [values[0]], [variances[0]]
    sums, below = [values[0]], [variances[0]]
    for level, parents in enumerate(tree.up):
        size = tree.sizes[level + 1]
        total = np.zeros((size, values[0].shape[1]))
        np.add.at(total, parents, best[-1])
        under = np.bincount(parents, weights=spread[-1], minlength=size).astype(np.float64)
        own, own_variance = values[level + 1], variances[level + 1]
        # the weight of the own measurement, 1 where it is known and 0 where there is none
        weight = np.zeros(size)
        some = np.isfinite(own_variance) & (under > 0)
        weight[some] = under[some] / (under[some] + own_variance[some])
        best.append(total + weight[:, None] * np.where(weight[:, None] > 0, own - total, 0.0))
        spread.append((1.0 - weight) * under)
        sums.append(total)
        below.append(under)
    return best, spread, sums, tuple(below)


def _check(tree: Tree, values: Sequence[Floats], variances: Sequence[Floats]) -> None:
    sizes = tree.sizes
    if len(values) != len(sizes) or len(variances) != len(sizes):
        raise ValueError(f"the tree has {len(sizes)} levels: give as many values and variances")
    columns = values[0].shape[1:]
    for level, size in enumerate(sizes):
        if values[level].shape != (size, *columns) or len(columns) != 1:
            raise ValueError(f"values of level {level} must have the shape ({size}, columns)")
        if variances[level].shape != (size,) or not np.all(variances[level] >= 0):
            raise ValueError(f"variances of level {level} must be {size} numbers of 0 or more")
    if not np.all(np.isfinite(variances[0])):
        raise ValueError("every leaf must be measured: a leaf's variance is not finite")
