"""Levels of places: zones, their parents, the whole. Public, and the same for every table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from dp.keys import Key, KeySet
from pipelines.schemas.world import World

ALL = "all"
"""The label of the whole zone set."""
ZONE, PARENT, CITY = "zone", "parent", "city"
LEVELS: Mapping[str, str] = MappingProxyType(
    {ZONE: "one published zone", PARENT: "all zones of one parent", CITY: "all zones"}
)
"""Every level and what one place of it is, the finest first."""


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
    if name == CITY:
        return Level(name, (ALL,), np.zeros(len(zones), dtype=np.int64))
    if name == ZONE:
        return Level(name, zones.ids, np.arange(len(zones), dtype=np.int64))
    parents = tuple(sorted(set(zones.parents)))
    if "" in parents or not 1 < len(parents) < len(zones):
        return None
    at = {parent: i for i, parent in enumerate(parents)}
    return Level(name, parents, np.array([at[p] for p in zones.parents], dtype=np.int64))


def coarser(world: World) -> tuple[Level, ...]:
    """Return the levels above the zones: parents where there are any, and the whole."""
    found = (level_of(world, name) for name in (PARENT, CITY))
    return tuple(level for level in found if level is not None)


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


def raw_name(table: str, level: str) -> str:
    """Return the name of a level's raw measurements: ``visits``, ``visits_parent``."""
    return table if level == ZONE else f"{table}_{level}"
