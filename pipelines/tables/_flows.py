"""What tables of moves from zone to zone share: keys and counts by origin, destination and part."""

from __future__ import annotations

from dp.keys import Key, KeySet
from pipelines.errors import ZoneError
from pipelines.schemas.world import World
from pipelines.tables._day_parts import DAY_PART, DayPartParams, part_code, part_keys

DAY_PART_COLUMN = {"day_part": f"{DAY_PART}; a move belongs to the part in which it departs"}
_FEWEST_ZONES = 2


def flow_keys(world: World, params: DayPartParams) -> KeySet:
    """Return the key set: the day part if asked for, origin, destination; no zone to itself.

    Raises:
        ZoneError: there is one zone only.
        SpecError: the day parts do not start where dates start.
    """
    zones = world.zones.ids
    if len(zones) < _FEWEST_ZONES:
        raise ZoneError(
            f"{params.table} needs two zones or more, the zone set has one: take smaller zones, or "
            f"leave {params.table} out of the spec."
        )
    return KeySet(
        (*part_keys(world, params), Key("origin", zones), Key("destination", zones)),
        distinct=(("origin", "destination"),),
    )


def flows_sql(world: World, params: DayPartParams, *, flows: str) -> str:
    """Return (d, person, cell, v): a person's moves of a date, counted by cell.

    Args:
        world: Public days and zones.
        params: With the day parts.
        flows: Relation, or a SELECT in brackets with an alias, of (d, person, origin, destination,
            t_depart).
    """
    zones = len(world.zones)
    cell = f"CAST(origin AS BIGINT) * {zones} + destination"
    if params.day_parts:
        cell += f" + CAST({part_code(world, params, 't_depart')} AS BIGINT) * {zones * zones}"
    return (
        "SELECT d, person, cell, COUNT(*) AS v "
        f"FROM (SELECT d, person, {cell} AS cell FROM {flows}) AS moves GROUP BY d, person, cell"
    )
