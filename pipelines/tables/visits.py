"""Visits: how many people stayed in each zone on a date."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dp.bounding import Rule
from dp.keys import Key, KeySet
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import CappedParams, Measured
from pipelines.schemas.world import World
from pipelines.tables._rules import capped


class VisitsParams(CappedParams):
    """Parameters of ``visits``."""

    cap: Annotated[int, Field(ge=1, le=1_000)] = 8
    """Zones that one person counts in on one date, at most (see ``bounding``)."""


def _keys(world: World, _params: VisitsParams, _day: MobilityDay) -> KeySet:
    return KeySet((Key("zone", world.zones.ids),))


def _statement(_world: World, _params: VisitsParams) -> str:
    return (
        "SELECT d, person, CAST(zone AS BIGINT) AS cell, CAST(1 AS BIGINT) AS v "
        "FROM stays WHERE zone >= 0 GROUP BY d, person, zone"
    )


def _rule(_world: World, params: VisitsParams, _day: MobilityDay, secret: bytes | None) -> Rule:
    return capped(params, secret)


TABLE = Measured(
    name="visits",
    summary="People who stayed in each zone on a date, each person once a zone.",
    counts="persons",
    params=VisitsParams,
    needs=frozenset({"stays"}),
    columns={"zone": "zone of the stay"},
    keys=_keys,
    statement=_statement,
    rule=_rule,
    source="Unique visitors with a minimum dwell, as mobility operators publish them.",
)
