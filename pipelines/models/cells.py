"""Which cells of a table belong together: slices with a total, groups within, matrices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp.keys import KeySet
from pipelines.models.counts import Floats
from pipelines.models.gravity import distances_m, fit_gravity
from pipelines.models.integers import fit_total, round_levels
from pipelines.models.scatter import Posterior
from pipelines.models.seasonal import Pool, Pooled
from pipelines.schemas.world import World

Codes = NDArray[np.int64]
_ENDS = ("origin", "destination")
_FEWEST_ZONES = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """How the cells of one key set belong together.

    Attributes:
        slices: Number of each cell's slice: the cells of all zones at one time (and of one value
            of every other key), whose noisy total is kept; shape (cells,).
        groups: Number of each cell's group within all cells: its parent, or its origin in a
            matrix; shape (cells,).
        measured: False in structural zeros, shape (cells,).
    """

    slices: Codes
    groups: Codes
    measured: NDArray[np.bool_]


def layout_of(keys: KeySet, world: World) -> Layout:
    """Return the layout of a key set. Without a zone key all cells are one slice."""
    zones = world.zones
    zoned = [k.name for k in keys.keys if k.values[: len(zones)] == zones.ids]
    others = [k for k in keys.keys if k.name not in zoned]
    slices = np.zeros(keys.size, dtype=np.int64)
    if zoned:
        slices = reduce(lambda t, k: t * len(k) + keys.codes(k.name), others, slices)
    groups = np.zeros(keys.size, dtype=np.int64)
    if zoned:
        codes, size = keys.codes(zoned[0]), len(keys.keys[keys.position(zoned[0])])
        groups = codes if len(zoned) > 1 else _parents(world, size)[codes]
    return Layout(slices=slices, groups=groups, measured=keys.measured)


def bounded(
    values: Floats, *, sd: Floats, noisy: Floats, layout: Layout
) -> tuple[Floats, NDArray[np.int64]]:
    """Return non-negative numbers and integers that keep the noisy total of each slice.

    The total of a slice is its noisy total rounded, 0 where that is negative; cells give way to it
    in proportion to their variance (``fit_total``). Integers add up from cells to groups (parents
    or origins) to the slice.

    Args:
        values: Posterior means, shape (cells,).
        sd: Posterior standard deviations, shape (cells,).
        noisy: Unbiased values, shape (cells,).
        layout: Which cells belong together.
    """
    smooth, whole = np.zeros(values.shape), np.zeros(values.shape, dtype=np.int64)
    order = np.argsort(layout.slices, kind="stable")
    order = order[layout.measured[order]]
    edges = np.flatnonzero(np.diff(layout.slices[order])) + 1
    for cells in np.split(order, edges):
        total = max(round(float(noisy[cells].sum())), 0)
        smooth[cells] = fit_total(values[cells], float(total), variance=sd[cells] ** 2)
        _, groups = np.unique(layout.groups[cells], return_inverse=True)
        whole[cells] = round_levels(smooth[cells], groups=groups, total=total)[0]
    return smooth, whole


def flow_pool(keys: KeySet, world: World) -> Pool | None:
    """Return the gravity model as a way to improve usual flows; None for other tables.

    It is given and gives measured cells only, one matrix after the other for each value of the
    other keys (day parts).
    """
    size = len(world.zones)
    square = [k.values for k in keys.keys if k.name in _ENDS] == [world.zones.ids] * 2
    if not square or size < _FEWEST_ZONES:
        return None
    axes = [keys.position(name) for name in _ENDS]
    shape = [len(key) for key in keys.keys]
    points = world.zones.frame.geometry.representative_point()
    apart = distances_m(points.y.to_numpy(), points.x.to_numpy())
    drawn = _matrices(keys.measured, shape, axes)
    places = _matrices(np.arange(keys.size), shape, axes)

    def matrices(usual: Floats) -> NDArray[np.float64]:
        flat = np.zeros(keys.size)
        flat[keys.measured] = usual
        return _matrices(flat, shape, axes)

    def pool(usual: Floats, sd: float) -> Pooled:
        models = [
            fit_gravity(flows, sd=sd, measured=drawn[i], distance_m=apart)
            for i, flows in enumerate(matrices(usual))
        ]

        def known(values: Floats, noise_sd: float) -> Posterior:
            cells = Posterior.empty((keys.size,))
            for model, flows, at, where in zip(
                models, matrices(values), drawn, places, strict=True
            ):
                found = model.posterior(flows, sd=noise_sd, measured=at)
                cells.put(where.ravel(), found.flat())
            return cells.at(keys.measured)

        return known

    return pool


def _matrices(flat: NDArray[Any], shape: list[int], axes: list[int]) -> NDArray[Any]:
    """Return cells as matrices, row = origin; shape (others, n, n)."""
    cube = np.moveaxis(flat.reshape(shape), axes, (-2, -1))
    return cube.reshape(-1, *cube.shape[-2:])


def _parents(world: World, size: int) -> Codes:
    """Return the number of each zone's parent; what stands beside the zones is one of its own."""
    at = {parent: i for i, parent in enumerate(dict.fromkeys(world.zones.parents))}
    beside = len(at) + np.arange(size - len(world.zones), dtype=np.int64)
    return np.concatenate([np.array([at[p] for p in world.zones.parents], dtype=np.int64), beside])
