"""Zones in key columns, and the coarser levels above them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from dp.keys import Key, KeySet
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.derived import Facts, KeyColumn
from pipelines.schemas.world import World
from pipelines.tables import TABLES

ALL = "all"
"""The label of the whole zone set."""
BIN = "bin"
LEVELS: Mapping[str, str] = MappingProxyType(
    {"zone": "one published zone", "parent": "all zones of one parent", "city": "all zones"}
)


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A level of zones.

    Attributes:
        name: "zone", "parent" or "city".
        labels: Its places in published order.
        place: Position in ``labels`` of each zone, shape (zones,).
    """

    name: str
    labels: tuple[str, ...]
    place: NDArray[np.int64]


def level_of(world: World, name: str) -> Level | None:
    """Return a level; None where zones have no parents, or one parent or as many as zones."""
    zones = world.zones
    if name == "city":
        return Level(name, (ALL,), np.zeros(len(zones), dtype=np.int64))
    if name == "zone":
        return Level(name, zones.ids, np.arange(len(zones), dtype=np.int64))
    parents = tuple(sorted(set(zones.parents)))
    if "" in parents or not 1 < len(parents) < len(zones):
        return None
    at = {parent: i for i, parent in enumerate(parents)}
    return Level(name, parents, np.array([at[p] for p in zones.parents], dtype=np.int64))


def coarser(world: World) -> tuple[Level, ...]:
    """Return the levels above the zones: parents where there are any, and the whole."""
    found = (level_of(world, name) for name in ("parent", "city"))
    return tuple(level for level in found if level is not None)


def keys_of(facts: Facts, table: str, day: MobilityDay | None = None) -> KeySet:
    """Return the public key set of a measured table on a date; the first when left out."""
    day = facts.world.calendar.dates[0] if day is None else day
    return TABLES[table].keys(facts.world, facts.tables[table], day)


def holds_zones(key: Key, world: World) -> bool:
    """Return whether a key's values are the zones, perhaps with more beside them ("unknown")."""
    return key.values[: len(world.zones)] == world.zones.ids


def zone_keys(keys: KeySet, world: World) -> tuple[str, ...]:
    """Return the names of the key columns that hold zones."""
    return tuple(key.name for key in keys.keys if holds_zones(key, world))


def lifted(key: Key, level: Level) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return a zone key's labels at a level, and the new position of each old value.

    What stands beside the zones ("unknown") stays a place of its own.
    """
    beside = tuple(str(value) for value in key.values[len(level.place) :])
    own = len(level.labels) + np.arange(len(beside), dtype=np.int64)
    return (*level.labels, *beside), np.concatenate([level.place, own])


def column_of(facts: Facts, table: str, name: str, labels: tuple[str, ...] = ()) -> KeyColumn:
    """Return the column of a measured table's key, perhaps with other labels."""
    key = next(one for one in keys_of(facts, table).keys if one.name == name)
    words = tuple(v for v in key.values if isinstance(v, str))
    return KeyColumn(
        name=name,
        meaning=TABLES[table].columns.get(name, ""),
        labels=labels or words,
        bin_s=getattr(facts.tables[table], "bin_s", 0) if name == BIN else 0,
    )


def numbers_of(keys: KeySet, name: str) -> NDArray[np.int64]:
    """Return what a key column's rows say: positions of text values, or the whole numbers."""
    values = keys.keys[keys.position(name)].values
    codes = keys.codes(name)
    if isinstance(values[0], str):
        return codes
    return np.array(values, dtype=np.int64)[codes]
