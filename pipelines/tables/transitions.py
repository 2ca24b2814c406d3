"""Transitions: how often people were next seen in another zone. For sources with few events."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dp.bounding import Rule
from dp.keys import KeySet
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import Measured
from pipelines.schemas.traces import MINUTE_S
from pipelines.schemas.world import World
from pipelines.tables._day_parts import DayPartParams
from pipelines.tables._flows import DAY_PART_COLUMN, flow_keys, flows_sql
from pipelines.tables._rules import capped
from pipelines.traces.transitions import transitions_sql


class TransitionParams(DayPartParams):
    """Parameters of ``transitions``."""

    cap: Annotated[int, Field(ge=1, le=1_000)] = 8
    """Transitions that one person counts for on one date, at most (see ``bounding``)."""
    max_gap_minutes: Annotated[int, Field(ge=1, le=1440)] = 240
    """Two records further apart than this are no transition."""
    oscillation_minutes: Annotated[int, Field(ge=0, le=120)] = 10
    """A zone seen only between two records of one other zone this near in time is no visit to it:
    phones at rest swing between towers."""


def _keys(world: World, params: TransitionParams, _day: MobilityDay) -> KeySet:
    return flow_keys(world, params)


def _statement(world: World, params: TransitionParams) -> str:
    moves = transitions_sql(
        world,
        max_gap_s=params.max_gap_minutes * MINUTE_S,
        oscillation_s=params.oscillation_minutes * MINUTE_S,
    )
    return flows_sql(world, params, flows=f"({moves}) AS transitions")


def _rule(_world: World, params: TransitionParams, _day: MobilityDay, secret: bytes | None) -> Rule:
    return capped(params, secret)


TABLE = Measured(
    name="transitions",
    summary="Changes of zone between consecutive records on a date, without asking for stays.",
    counts="transitions",
    params=TransitionParams,
    needs=frozenset({"runs"}),
    columns={
        "origin": "zone of the last record before the change",
        "destination": "zone of the first record after it; a zone passed between is not seen",
        **DAY_PART_COLUMN,
    },
    keys=_keys,
    statement=_statement,
    rule=_rule,
    source="Transient origin-destination matrices from call records with oscillations removed, as"
    " in Wang et al. 2012 (Sci. Rep. 2:1001) and Wang and Chen 2018 (Transp. Res. C 87:58).",
)
