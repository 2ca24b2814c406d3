"""Panel: who is observed, by overnight zone and observed hours. The denominator of every rate."""

from __future__ import annotations

from dp.bounding import Rule
from dp.keys import Key, KeySet
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import Measured, TableParams
from pipelines.schemas.world import World
from pipelines.tables._rules import inherent

HOURS = ((0, "0"), (1, "1-2"), (3, "3-5"), (6, "6-11"), (12, "12+"))
"""Classes of observed hours: the least number of hours and the published label."""


def _keys(world: World, _params: TableParams, _day: MobilityDay) -> KeySet:
    labels = tuple(label for _, label in HOURS)
    return KeySet(
        (Key("overnight", (*world.zones.ids, "unknown")), Key("observed_hours", labels)),
    )


def _statement(world: World, _params: TableParams) -> str:
    zones = len(world.zones)
    place = f"CASE WHEN overnight < 0 THEN {zones} ELSE overnight END"
    above = " + ".join(f"CASE WHEN hours >= {least} THEN 1 ELSE 0 END" for least, _ in HOURS[1:])
    return (
        f"SELECT d, person, CAST(({place}) * {len(HOURS)} + {above} AS BIGINT) AS cell, "
        "CAST(1 AS BIGINT) AS v FROM people"
    )


def _rule(_world: World, _params: TableParams, _day: MobilityDay, _secret: bytes | None) -> Rule:
    return inherent(1)


TABLE = Measured(
    name="panel",
    summary="People observed on a date, by overnight zone and by hours with a known zone.",
    counts="persons",
    params=TableParams,
    needs=frozenset({"people"}),
    columns={
        "overnight": "zone where most of the known time from the evening (20:00) to the end of the"
        " date was spent; unknown where too little is known or it was outside the zones",
        "observed_hours": "one-hour bins of the date at whose midpoint the person's zone is known",
    },
    keys=_keys,
    statement=_statement,
    rule=_rule,
    source="Overnight location within one day, without look-back; observed hours grade the panel.",
)
