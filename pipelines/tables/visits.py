"""Visits: how many people stayed in each zone on a date, by place category if asked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from dp.bounding import Rule
from dp.keys import Key, KeySet
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import CappedParams, Measured
from pipelines.schemas.world import World
from pipelines.tables._rules import capped

OTHER = "other"


def _listed(categories: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(categories)) != len(categories):
        raise ValueError("categories must differ. Write each category once.")
    if OTHER in categories:
        raise ValueError(
            f'categories must not list "{OTHER}", which is always there and holds whatever is not '
            "listed. Remove it."
        )
    return categories


class VisitsParams(CappedParams):
    """Parameters of ``visits``."""

    cap: Annotated[int, Field(ge=1, le=1_000)] = 8
    """Zones that one person counts in on one date, at most (see ``bounding``); with categories,
    pairs of zone and category."""
    categories: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=80)], ...],
        Field(max_length=200, exclude_if=lambda listed: not listed),
        AfterValidator(_listed),
    ] = ()
    """A public list of place categories as the sources' category column writes them; whatever is
    not listed is other. None: no categories."""


def _keys(world: World, params: VisitsParams, _day: MobilityDay) -> KeySet:
    zones = Key("zone", world.zones.ids)
    if not params.categories:
        return KeySet((zones,))
    return KeySet((zones, Key("category", (*params.categories, OTHER))))


def _statement(_world: World, params: VisitsParams) -> str:
    if params.categories:
        return _by_category(len(params.categories))
    return (
        "SELECT d, person, CAST(zone AS BIGINT) AS cell, CAST(1 AS BIGINT) AS v "
        "FROM stays WHERE zone >= 0"
    )


def _by_category(listed: int) -> str:
    """Return the contributions by zone and category.

    The categories of a stay are those that its records name; a stay whose records name none is
    other. A stay's records lie in its zone and within its span, ends included.
    """
    return (
        f"SELECT s.d, s.person, CAST(s.zone AS BIGINT) * {listed + 1} "
        f"+ COALESCE(p.category, {listed}) AS cell, CAST(1 AS BIGINT) AS v FROM stays AS s "
        "LEFT JOIN (SELECT d, person, zone, t, category FROM points WHERE category >= 0) AS p "
        "ON s.d = p.d AND s.person = p.person AND s.zone = p.zone "
        "AND p.t >= s.t_start AND p.t <= s.t_end WHERE s.zone >= 0"
    )


def _rule(_world: World, params: VisitsParams, _day: MobilityDay, secret: bytes | None) -> Rule:
    return capped(params, secret)


TABLE = Measured(
    name="visits",
    summary="People who stayed in each zone on a date, each person once a zone.",
    counts="persons",
    params=VisitsParams,
    needs=frozenset({"stays", "points"}),
    columns={
        "zone": "zone of the stay",
        "category": "category of the place of the stay, as its records name it; other where it is"
        " not listed or no record names one. A stay with two categories counts in both",
    },
    keys=_keys,
    statement=_statement,
    rule=_rule,
    once=True,
    source="Unique visitors with a minimum dwell, as mobility operators publish them.",
)
