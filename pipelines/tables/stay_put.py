"""Stay put: how many people were seen in one place of about 600 m all date long."""

from __future__ import annotations

from dp.bounding import Rule
from dp.keys import Key, KeySet
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import Measured, TableParams
from pipelines.schemas.world import World
from pipelines.tables._cells import corners_sql
from pipelines.tables._overnight import OVERNIGHT, overnight_code, overnight_key
from pipelines.tables._rules import inherent

LABELS = ("stayed", "left", "unobserved")
LEAST_HOURS = 8
"""Observed hours from which on a person is called stayed or left."""


def _keys(world: World, _params: TableParams, _day: MobilityDay) -> KeySet:
    return KeySet((overnight_key(world), Key("stay_put", LABELS)))


def _statement(world: World, _params: TableParams) -> str:
    label = f"CASE WHEN hours < {LEAST_HOURS} THEN 2 WHEN low = high THEN 0 ELSE 1 END"
    cell = f"CAST({overnight_code(world)} AS BIGINT) * {len(LABELS)} + {label}"
    return (
        f"SELECT p.d, p.person, {cell} AS cell, CAST(1 AS BIGINT) AS v FROM people AS p "
        f"JOIN ({corners_sql('points')}) AS c ON p.person = c.person AND p.d = c.d"
    )


def _rule(_world: World, _params: TableParams, _day: MobilityDay, _secret: bytes | None) -> Rule:
    return inherent(1)


TABLE = Measured(
    name="stay_put",
    summary="People by overnight zone who stayed in one place, left it, or were seen too little.",
    counts="persons",
    params=TableParams,
    needs=frozenset({"people", "points"}),
    columns={
        "overnight": OVERNIGHT,
        "stay_put": f"stayed: at least {LEAST_HOURS} observed hours, and all records of the date in"
        " one cell of a fixed public grid of about 600 m, which is not the publishing zone; left:"
        " as many hours, but more than one cell; unobserved: fewer hours. A person whose place lies"
        " on a line of the grid may count as left: read changes rather than levels",
    },
    keys=_keys,
    statement=_statement,
    rule=_rule,
    source="Share of people in one level-16 tile all day, as in Meta's Movement Range Maps; here"
    " with a least time of observation for both classes.",
)
