"""Non-negative integers that add up to the levels above them (controlled rounding)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.models.counts import Floats

_SETTLED = 1e-9
_LEAST = 1e-12


def fit_total(values: Floats, total: float, *, variance: Floats | None = None) -> Floats:
    """Return the nearest non-negative numbers (least squares) with this sum; same shape.

    What is too much or too little is shared out in proportion to each cell's variance, and what
    falls below 0 becomes 0: the projection on the simplex (Duchi et al., ICML 2008; "Norm-Sub" in
    Wang et al., NDSS 2020), in the metric of what is known of the cells. Unlike plain clipping it
    adds nothing to the total.

    Args:
        values: Numbers, shape (cells,).
        total: Their sum to be.
        variance: What is not known of each; the same for all when left out.

    >>> import numpy as np
    >>> fit_total(np.array([5.0, -1.0, 2.0]), 6.0).tolist()
    [4.5, 0.0, 1.5]
    >>> fit_total(np.array([5.0, 0.0, 2.0]), 6.0, variance=np.array([1.0, 1.0, 3.0])).tolist()
    [4.75, 0.0, 1.25]
    """
    if total <= 0.0 or not len(values):
        return np.zeros_like(values)
    weight = np.ones_like(values) if variance is None else variance
    weight = np.maximum(weight, _LEAST * max(float(weight.max()), _LEAST))
    falling = np.argsort(-values / weight, kind="stable")
    over = (np.cumsum(values[falling]) - total) / np.cumsum(weight[falling])
    last = int(np.flatnonzero((values / weight)[falling] > over)[-1])
    return np.asarray(np.clip(values - over[last] * weight, 0.0, None))


def round_to(values: Floats, total: int) -> NDArray[np.int64]:
    """Return non-negative integers near ``values`` with exactly this sum (largest remainder).

    ``values`` are non-negative and are scaled to the total first, so that no integer is a whole
    unit away from its scaled value. Equal remainders go to the earlier cell.

    >>> import numpy as np
    >>> round_to(np.array([0.4, 0.4, 0.4, 1.8]), 3).tolist()
    [1, 0, 0, 2]
    """
    whole = float(values.sum())
    if total <= 0 or whole <= 0.0:
        flat = np.zeros(len(values), dtype=np.int64)
        if total > 0:
            flat += total // len(values)
            flat[: total % len(values)] += 1
        return flat
    scaled = values * (total / whole)
    near = np.round(scaled)  # a number a hair off an integer is that integer
    scaled = np.where(np.abs(scaled - near) < _SETTLED * np.maximum(near, 1.0), near, scaled)
    floors = np.floor(scaled).astype(np.int64)
    short = total - int(floors.sum())
    order = np.argsort(floors - scaled, kind="stable")
    if short >= 0:
        floors[order[:short]] += 1
    else:
        floors[order[::-1][:-short]] -= 1
    return floors


def round_levels(
    values: Floats, *, groups: NDArray[np.int64], total: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return integers of cells and of the level above, each level adding up to the next.

    From the top down: the total is split over the groups, then each group's integer over its
    cells. A cell is less than 1 from its value scaled to its group's integer.

    Args:
        values: Non-negative cells, shape (cells,).
        groups: Number of each cell's group, from 0, each used; shape (cells,).
        total: The sum of the whole, 0 or more.

    Returns:
        (cells, groups) as int64.
    """
    sums = np.bincount(groups, weights=values).astype(np.float64)
    upper = round_to(sums, total)
    cells = np.zeros(len(values), dtype=np.int64)
    order = np.argsort(groups, kind="stable")
    bounds = np.searchsorted(groups[order], np.arange(len(upper) + 1))
    for group, due in enumerate(upper):
        held = order[bounds[group] : bounds[group + 1]]
        cells[held] = round_to(values[held], int(due))
    return cells, upper
