"""Weighted sums of consistent leaves with the exact cumulants of their noise.

The estimates of a tree share noise, so that variances of leaves do not add. Every estimate is
linear in the measurements; a sum's coefficient at each measurement is found by going up the tree
and down again, and cumulants of independent noise add (``tree_sums.md``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dp.postprocess.consistency import Consistent, Tree

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Touched:
    """The nodes of one level that some sum's leaves lie below, one entry for each sum and node.

    Attributes:
        group: Number of the sum.
        node: Number of the node.
        weight: The sum of the entry's weights below, each times the gains on its way up.
        above: Position of the entry of the same sum one level up; none at the top.
    """

    group: Codes
    node: Codes
    weight: Floats
    above: Codes | None = None


def tree_cumulants(
    found: Consistent,
    cumulants: Sequence[Sequence[Floats]],
    *,
    groups: Codes,
    weights: Floats,
    size: int,
) -> list[Floats]:
    """Return cumulants of the noise of weighted sums of consistent leaves, shape (size,) each.

    Time grows with the number of leaves that are summed and with their nodes, not with the square.

    Args:
        found: The estimates of a tree.
        cumulants: For each even order asked for, beginning with 2: by level, the cumulant of each
            node's own noise, 0 where a value is known.
        groups: Sum of each leaf, shape (leaves,); below 0 leaves it out.
        weights: Public weight of each leaf, shape (leaves,).
        size: Number of sums.
    """
    used = np.flatnonzero(groups >= 0)
    levels = _climbed(found, _Touched(groups[used], used.astype(np.int64), weights[used]))
    shares = own_weights(found, cumulants[0])
    orders = [2 * (i + 1) for i in range(len(cumulants))]
    below = [
        _from_below(found.tree, shares, own, order=order)
        for order, own in zip(orders, cumulants, strict=True)
    ]
    answers = [np.zeros(size) for _ in orders]
    slope = levels[-1].weight
    for level in range(len(levels) - 1, 0, -1):
        here, down = levels[level], levels[level - 1]
        share = shares[level][here.node]
        rest = (1.0 - share) * slope - here.weight
        assert down.above is not None, "only the top level has nothing above"
        for i, (order, own) in enumerate(zip(orders, cumulants, strict=True)):
            each, whole = below[i]
            seen = np.bincount(down.above, each[level - 1][down.node], minlength=len(here.node))
            unseen = np.maximum(whole[level][here.node] - seen, 0.0)
            part = (share * slope) ** order * own[level][here.node] + rest**order * unseen
            answers[i] += np.bincount(here.group, part, minlength=size)
        slope = down.weight + rest[down.above]
    for i, (order, own) in enumerate(zip(orders, cumulants, strict=True)):
        part = slope**order * own[0][levels[0].node]
        answers[i] += np.bincount(levels[0].group, part, minlength=size)
    return answers


def own_weights(found: Consistent, variances: Sequence[Floats]) -> list[Floats]:
    """Return, by level, the weight of a node's own measurement in its estimate from below.

    1 for leaves. Elsewhere B / (B + s^2) with B the variance of its children's sum, 0 where B is.
    """
    weights = [np.ones(found.tree.leaves)]
    for level in range(1, len(variances)):
        under = found.below[level]
        whole = under + variances[level]
        share = np.divide(under, whole, out=np.zeros_like(under), where=under > 0)
        weights.append(share)
    return weights


def _climbed(found: Consistent, leaves: _Touched) -> list[_Touched]:
    """Return the touched nodes of every level, the leaves first."""
    levels, here = [], leaves
    for level, parents in enumerate(found.tree.up):
        lifted = found.gains[level][here.node] * here.weight
        key = here.group * found.tree.sizes[level + 1] + parents[here.node]
        kept, above = np.unique(key, return_inverse=True)
        levels.append(_Touched(here.group, here.node, here.weight, above.astype(np.int64)))
        group, node = np.divmod(kept, found.tree.sizes[level + 1])
        weight = np.bincount(above, lifted, minlength=len(kept)).astype(np.float64)
        here = _Touched(group, node, weight)
    return [*levels, here]


def _from_below(
    tree: Tree, shares: Sequence[Floats], own: Sequence[Floats], *, order: int
) -> tuple[list[Floats], list[Floats]]:
    """Return each node's cumulant of its estimate from below, and the sum of its children's."""
    each, whole = [own[0]], [np.zeros(tree.leaves)]
    for level, parents in enumerate(tree.up):
        size, share = tree.sizes[level + 1], shares[level + 1]
        under = np.bincount(parents, weights=each[-1], minlength=size).astype(np.float64)
        each.append((1.0 - share) ** order * under + share**order * own[level + 1])
        whole.append(under)
    return each, whole
