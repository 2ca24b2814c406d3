"""What to do about a key set that is too large to enumerate: the ways out, with their numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipelines.release.thresholds import suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dp.keys import Key
    from dp.ledger import Policy
    from dp.loss import Rho
    from pipelines.schemas.measured import TableParams
    from pipelines.schemas.world import World
    from pipelines.spec import ReleaseSpec

MAX_CELLS = 10_000_000
"""Cells of one table on one date: noise for them takes about 100 seconds of one core."""
CELLS_PER_SECOND = 100_000
"""Discrete Gaussian cells that one core draws (``tests/benchmarks/README.md``)."""
_H3_CHILDREN = 7


def too_large(
    params: TableParams,
    keys: Sequence[Key],
    *,
    spec: ReleaseSpec,
    policy: Policy,
    world: World,
    allotted: Rho,
) -> str:
    """Return why a table cannot be enumerated, and what fits instead. Reads public facts alone.

    Args:
        params: The table's entry.
        keys: Its key columns, whose product is too large.
        spec: The spec, for what its zones are made of.
        policy: Unit, population and delta.
        world: The zones and dates.
        allotted: The rho of this table on one date.
    """
    cells = math.prod(len(key) for key in keys)
    hours = cells / CELLS_PER_SECOND / 3600
    ways = [
        _coarser(keys, spec=spec, world=world),
        *_parents(keys, world=world),
        suggestion(params, policy=policy, world=world, allotted=allotted),
    ]
    return (
        f"{params.table}: {len(world.zones):,} zones give {cells:,} cells a date, more than"
        f" {MAX_CELLS:,}. Every cell needs noise, so all must be drawn:"
        f" {_lasting(hours)} of one core for every date. {'. '.join(ways)}"
    )


def zones_that_fit(keys: Sequence[Key], *, zones: Sequence[str], most: int) -> int:
    """Return how many zones may be left for the product of the keys to be at most ``most`` cells.

    Keys that hold the zones shrink with them and keep what else they hold; others stay. 0 where
    one zone is already too many.
    """
    extra = [len(key) - len(zones) for key in keys if zones[0] in key.values]
    others = math.prod(len(key) for key in keys if zones[0] not in key.values)
    low, high = 0, len(zones)
    while low < high:
        middle = (low + high + 1) // 2
        if others * math.prod(middle + more for more in extra) <= most:
            low = middle
        else:
            high = middle - 1
    return low


def _coarser(keys: Sequence[Key], *, spec: ReleaseSpec, world: World) -> str:
    zones = world.zones.ids
    fit = zones_that_fit(keys, zones=zones, most=MAX_CELLS)
    if fit < 1:
        return "Even one zone gives too many cells: take longer time bins or fewer day parts"
    said = f"Use coarser zones: {fit:,} zones or fewer fit"
    times = len(zones) / fit
    if spec.zones.grid is not None:
        side = math.ceil(spec.zones.grid.cell_m * math.sqrt(times) / 50) * 50
        return f"{said}, a cell_m of about {side:,}"
    if spec.zones.h3 is not None:
        steps = math.ceil(math.log(times, _H3_CHILDREN))
        at = spec.zones.h3.resolution - steps
        return f"{said}, an H3 resolution of {at}" if at >= 0 else said
    return f"{said}, as the zone file or as a grid"


def _parents(keys: Sequence[Key], *, world: World) -> list[str]:
    """Return what the parents' polygons would give, where the zones name parents."""
    parents = {parent for parent in world.zones.parents if parent}
    if not parents:
        return []
    ids = world.zones.ids
    cells = math.prod(
        len(key) - len(ids) + len(parents) if ids[0] in key.values else len(key) for key in keys
    )
    fits = "fit" if cells <= MAX_CELLS else "are still too many"
    return [f"The {len(parents):,} parents as the zones give {cells:,} cells, which {fits}"]


def _lasting(hours: float) -> str:
    if hours < 1:
        return f"about {math.ceil(hours * 60):,} minutes"
    return f"about {math.ceil(hours):,} hours"
