"""Trips per person: how many people made 0, 1, 2 ... trips. What the cap of od_flows cuts off."""

from __future__ import annotations

from dp.bounding import Rule
from dp.keys import Key, KeySet
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import Measured, TableParams
from pipelines.schemas.world import World
from pipelines.tables._overnight import OVERNIGHT, counted_sql, overnight_key
from pipelines.tables._rules import inherent

MOST = 15
"""Persons with this many trips or more share the last class."""


def _keys(world: World, _params: TableParams, _day: MobilityDay) -> KeySet:
    labels = (*(str(n) for n in range(MOST)), f"{MOST}+")
    return KeySet((overnight_key(world), Key("trips", labels)))


def _statement(world: World, _params: TableParams) -> str:
    return counted_sql(
        world,
        classes=MOST + 1,
        code=f"LEAST(n, {MOST})",
        counts="SELECT d, person, COUNT(*) AS n FROM trips GROUP BY d, person",
    )


def _rule(_world: World, _params: TableParams, _day: MobilityDay, _secret: bytes | None) -> Rule:
    return inherent(1)


TABLE = Measured(
    name="trips_per_person",
    summary="People by overnight zone and number of trips on a date; who makes none counts too.",
    counts="persons",
    params=TableParams,
    needs=frozenset({"people", "trips"}),
    columns={
        "overnight": OVERNIGHT,
        "trips": "trips between zones on the date, before any cap; 0 also for who was seen too"
        " seldom to show one",
    },
    keys=_keys,
    statement=_statement,
    rule=_rule,
    source="Trip rates of travel surveys; trips as in od_flows.",
)
