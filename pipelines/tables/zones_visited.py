"""Zones visited: how many people stayed in 0, 1, 2 ... different zones on a date."""

from __future__ import annotations

from dp.bounding import Rule
from dp.keys import Key, KeySet
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import Measured, TableParams
from pipelines.schemas.world import World
from pipelines.tables._overnight import OVERNIGHT, counted_sql, overnight_key
from pipelines.tables._rules import inherent

MOST = 10
"""Persons with this many zones or more share the last class."""


def _keys(world: World, _params: TableParams, _day: MobilityDay) -> KeySet:
    labels = (*(str(n) for n in range(MOST)), f"{MOST}+")
    return KeySet((overnight_key(world), Key("zones", labels)))


def _statement(world: World, _params: TableParams) -> str:
    return counted_sql(
        world,
        classes=MOST + 1,
        code=f"LEAST(n, {MOST})",
        counts="SELECT d, person, COUNT(DISTINCT zone) AS n FROM stays WHERE zone >= 0 "
        "GROUP BY d, person",
    )


def _rule(_world: World, _params: TableParams, _day: MobilityDay, _secret: bytes | None) -> Rule:
    return inherent(1)


TABLE = Measured(
    name="zones_visited",
    summary="People by overnight zone and number of different zones they stayed in on a date.",
    counts="persons",
    params=TableParams,
    needs=frozenset({"people", "stays"}),
    columns={
        "overnight": OVERNIGHT,
        "zones": "different zones with a stay, before any cap; 0 for who was seen without a stay",
    },
    keys=_keys,
    statement=_statement,
    rule=_rule,
    source="Number of distinct locations a day, as in Gonzalez et al. 2008 (Nature 453:779).",
)
