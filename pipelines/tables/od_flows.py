"""Origin-destination flows: how many trips lead from each zone to each other zone on a date."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dp.bounding import Rule
from dp.keys import Key, KeySet
from pipelines.errors import ZoneError
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import CappedParams, Measured
from pipelines.schemas.world import World
from pipelines.tables._rules import capped

_FEWEST_ZONES = 2


class FlowParams(CappedParams):
    """Parameters of ``od_flows``."""

    cap: Annotated[int, Field(ge=1, le=1_000)] = 4
    """Trips that one person counts for on one date, at most (see ``bounding``)."""


def _keys(world: World, _params: FlowParams, _day: MobilityDay) -> KeySet:
    zones = world.zones.ids
    if len(zones) < _FEWEST_ZONES:
        raise ZoneError(
            "od_flows needs two zones or more, the zone set has one: take smaller zones, or leave "
            "od_flows out of the spec."
        )
    return KeySet(
        (Key("origin", zones), Key("destination", zones)),
        distinct=(("origin", "destination"),),
    )


def _statement(world: World, _params: FlowParams) -> str:
    return (
        f"SELECT d, person, CAST(origin AS BIGINT) * {len(world.zones)} + destination AS cell, "
        "COUNT(*) AS v FROM trips GROUP BY d, person, origin, destination"
    )


def _rule(_world: World, params: FlowParams, _day: MobilityDay, secret: bytes | None) -> Rule:
    return capped(params, secret)


TABLE = Measured(
    name="od_flows",
    summary="Trips between zones on a date, by the departure; who only stays makes none.",
    counts="trips",
    params=FlowParams,
    needs=frozenset({"trips"}),
    columns={
        "origin": "zone of the stay that the trip leaves",
        "destination": "zone of the next stay",
    },
    keys=_keys,
    statement=_statement,
    rule=_rule,
    source="Trips between consecutive stays, as in Alexander et al. 2015 (Transp. Res. C 58:240).",
)
