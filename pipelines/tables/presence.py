"""Presence: how many people are in each zone at the middle of each time bin. A stock."""

from __future__ import annotations

from dp.bounding import Rule
from dp.keys import Key, KeySet
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import Measured
from pipelines.schemas.world import World
from pipelines.tables._rules import inherent
from pipelines.tables._stretches import PresenceParams, stretches_sql


def _keys(world: World, params: PresenceParams, day: MobilityDay) -> KeySet:
    # The bin varies slowest: a zone's cell in a bin does not depend on the date's number of bins.
    return KeySet(
        (Key("bin", tuple(range(day.bins(params.bin_s)))), Key("zone", world.zones.ids)),
    )


def _statement(world: World, params: PresenceParams) -> str:
    """Count runs without their persons, whose runs of a date do not overlap."""
    return stretches_sql(world, params, place="zone", places=len(world.zones))


def _rule(_world: World, params: PresenceParams, day: MobilityDay, _secret: bytes | None) -> Rule:
    return inherent(day.bins(params.bin_s))


TABLE = Measured(
    name="presence",
    summary="People in each zone at the middle of each time bin; zones add up.",
    counts="persons",
    params=PresenceParams,
    needs=frozenset({"runs", "days"}),
    columns={
        "bin": "number of the time bin within the date, from 0; a 25-hour date has one more, and"
        " the repeated hour a bin of its own",
        "zone": "zone that holds the person at the bin's midpoint",
    },
    keys=_keys,
    statement=_statement,
    rule=_rule,
    aggregated=True,
    stretched=True,
    source="Population present at an instant, as in Deville et al. 2014 (PNAS 111:15888).",
)
