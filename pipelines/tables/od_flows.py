"""Origin-destination flows: how many trips lead from each zone to each other zone on a date."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dp.bounding import Rule
from dp.keys import KeySet
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import Measured
from pipelines.schemas.world import World
from pipelines.tables._day_parts import DayPartParams
from pipelines.tables._flows import DAY_PART_COLUMN, flow_keys, flows_sql
from pipelines.tables._rules import capped


class FlowParams(DayPartParams):
    """Parameters of ``od_flows``."""

    cap: Annotated[int, Field(ge=1, le=1_000)] = 4
    """Trips that one person counts for on one date, at most (see ``bounding``)."""


def _keys(world: World, params: FlowParams, _day: MobilityDay) -> KeySet:
    return flow_keys(world, params)


def _statement(world: World, params: FlowParams) -> str:
    return flows_sql(world, params, flows="trips")


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
        **DAY_PART_COLUMN,
    },
    keys=_keys,
    statement=_statement,
    rule=_rule,
    source="Trips between consecutive stays, as in Alexander et al. 2015 (Transp. Res. C 58:240).",
)
