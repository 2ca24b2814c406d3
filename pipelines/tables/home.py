"""Home: how many people live in each zone, by where they spent most of their observed nights."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dp.bounding import Rule
from dp.keys import Key, KeySet
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import Measured, TableParams
from pipelines.schemas.world import World
from pipelines.tables._overnight import UNKNOWN
from pipelines.tables._rules import inherent
from pipelines.traces.people import TOP, WORD

LEAST_NIGHTS = 14


class HomeParams(TableParams):
    """Parameters of ``home``."""

    min_nights: Annotated[int, Field(ge=LEAST_NIGHTS, le=366)] = LEAST_NIGHTS
    """Observed nights from which on a person has a home; the release needs as many dates."""


def _check(world: World, params: HomeParams) -> list[str]:
    dates = len(world.calendar.dates)
    if dates >= params.min_nights:
        return []
    return [
        (
            f"a home needs {params.min_nights} observed nights, but the release has {dates} dates."
            f" Write dates with days = {params.min_nights} or more (twice as many are better: few"
            " people are seen every night), or remove the table."
        )
    ]


def _keys(world: World, _params: HomeParams, _day: MobilityDay) -> KeySet:
    return KeySet((Key("home", (*world.zones.ids, UNKNOWN)),))


def _statement(world: World, params: HomeParams) -> str:
    zone = f"{TOP} - best % {WORD}"
    return (
        "WITH slept AS (SELECT person, zone, COUNT(*) AS nights FROM nights "
        "GROUP BY person, zone), "
        "most AS (SELECT person, CAST(SUM(nights) AS BIGINT) AS observed, "
        f"MAX(nights * {WORD} + ({TOP} - zone)) AS best FROM slept GROUP BY person), "
        "everyone AS (SELECT person FROM people GROUP BY person), "
        "span AS (SELECT MAX(d) AS d FROM days) "
        f"SELECT s.d, e.person, CASE WHEN observed >= {params.min_nights} AND {zone} >= 0 "
        f"THEN {zone} ELSE {len(world.zones)} END AS cell, CAST(1 AS BIGINT) AS v "
        "FROM everyone AS e CROSS JOIN span AS s LEFT JOIN most AS m ON e.person = m.person"
    )


def _rule(_world: World, _params: HomeParams, _day: MobilityDay, _secret: bytes | None) -> Rule:
    return inherent(1)


TABLE = Measured(
    name="home",
    summary="People by the zone they live in: one measurement over all dates of the release.",
    counts="persons",
    params=HomeParams,
    needs=frozenset({"nights", "people"}),
    columns={
        "home": "zone of most observed nights of all dates that are read, the first in published"
        f" order on a tie; a night is observed where at least min_overnight_minutes of it are"
        f" known. unknown: fewer observed nights than min_nights (at least {LEAST_NIGHTS}), or as"
        " many or more of them outside the zones as in any one zone. Everyone is counted who was"
        " in a zone on any of the dates",
    },
    keys=_keys,
    statement=_statement,
    rule=_rule,
    check=_check,
    reads="span",
    source="Home as the place of most nights, one of the rules that are compared in Vanhoof et al."
    " 2018 (J. Off. Stat. 34:935) and Pappalardo et al. 2021 (EPJ Data Science 10:29).",
)
