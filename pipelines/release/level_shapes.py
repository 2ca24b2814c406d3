"""How the rows of a table look at each of its levels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.release.columns import table_columns
from pipelines.release.frames import Shape, shape_of
from pipelines.schemas.levels import ZONE, zone_keys
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from pipelines.release.model import Plan


def level_shape(plan: Plan, table: str, level: str = ZONE) -> Shape:
    """Return the shape of a table's rows at a level; by default of its own cells."""
    leaves = plan.of(table)
    own = [one for leaf in leaves for one in plan.at(leaf) if one.level == level]
    shape = shape_of(
        TABLES[table],
        keys=[one.keys for one in own],
        calendar=plan.world.calendar,
        bin_s=getattr(leaves[0].params, "bin_s", 0),
        max_relative_sd=plan.spec.release.max_relative_sd,
        world=plan.world,
    )
    if len(plan.levels(table)) == 1:
        return shape
    zone = plan.world.calendar.time_zone
    columns = table_columns(TABLES[table], own[0].keys, zone, levelled=True)
    return replace(shape, columns=columns, zoned=zone_keys(leaves[0].keys, plan.world))
