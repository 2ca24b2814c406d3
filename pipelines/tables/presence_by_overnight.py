"""Presence by overnight zone: who is where at the middle of each time bin, and where from."""

from __future__ import annotations

from dp.bounding import Rule
from dp.keys import Key, KeySet
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import Measured
from pipelines.schemas.world import World
from pipelines.tables._overnight import OVERNIGHT, overnight_code, overnight_key
from pipelines.tables._rules import inherent
from pipelines.tables._stretches import PresenceParams, stretches_sql


def _keys(world: World, params: PresenceParams, day: MobilityDay) -> KeySet:
    bins = Key("bin", tuple(range(day.bins(params.bin_s))))
    return KeySet((bins, overnight_key(world), Key("zone", world.zones.ids)))


def _statement(world: World, params: PresenceParams) -> str:
    zones = len(world.zones)
    return stretches_sql(
        world,
        params,
        place=f"CAST({overnight_code(world)} AS BIGINT) * {zones} + zone",
        places=(zones + 1) * zones,
        joined=" JOIN people AS p ON r.person = p.person AND r.d = p.d",
    )


def _rule(_world: World, params: PresenceParams, day: MobilityDay, _secret: bytes | None) -> Rule:
    return inherent(day.bins(params.bin_s))


TABLE = Measured(
    name="presence_by_overnight",
    summary="People in each zone at the middle of each time bin, by where they spend the night.",
    counts="persons",
    params=PresenceParams,
    needs=frozenset({"runs", "people", "days"}),
    columns={
        "bin": "number of the time bin within the date, from 0; a 25-hour date has one more, and"
        " the repeated hour a bin of its own",
        "overnight": OVERNIGHT,
        "zone": "zone that holds the person at the bin's midpoint",
    },
    keys=_keys,
    statement=_statement,
    rule=_rule,
    aggregated=True,
    stretched=True,
    source="Population present at an instant by residence, as in Deville et al. 2014 (PNAS"
    " 111:15888), with the overnight zone of the same date for the residence.",
)
