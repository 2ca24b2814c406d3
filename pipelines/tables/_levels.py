"""Tables at several levels: which a table has, their parts of its rho, their maps and caps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from dp.bounding import LevelWeighting, Rule, Weighting
from dp.bounding.weighting import MAX_CAP
from dp.keys import Key, KeySet
from dp.lifts import Lift
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.levels import CITY, PARENT, ZONE, holds_zones, level_of, lifted, zone_keys
from pipelines.schemas.measured import Measured, TableParams
from pipelines.schemas.world import World

USUAL: Mapping[str, Fraction] = MappingProxyType(
    {ZONE: Fraction(3, 5), PARENT: Fraction(1, 4), CITY: Fraction(3, 20)}
)
"""Parts of a table's rho where the spec says nothing, or ``levels = true``."""
FEWEST_CELLS = 100
"""Cells below one cell of the city from which on the usual levels are measured unasked: with fewer
the zones lose more than the city gains."""


def parts_of(keys: KeySet, params: TableParams, *, world: World, able: bool) -> dict[str, Fraction]:
    """Return the parts of a table's rho by level, the zones first; zones alone: ``{"zone": 1}``.

    Args:
        keys: The table's key set of a date.
        params: Its entry.
        world: The zones.
        able: Whether the table may have levels.
    """
    alone = {ZONE: Fraction(1)}
    if params.thresholded:
        return alone
    if isinstance(params.levels, Mapping):
        return dict(params.levels)
    if params.levels is False or not able or not zone_keys(keys, world):
        return alone
    if level_of(world, PARENT) is None:
        return alone
    usual = params.levels is True or city_cells(keys, world) >= FEWEST_CELLS
    return dict(USUAL) if usual else alone


def city_cells(keys: KeySet, world: World) -> int:
    """Return how many cells lie below one cell of the city: zones, or pairs of zones."""
    return math.prod(len(key) for key in keys.keys if holds_zones(key, world))


def lift_of(keys: KeySet, world: World, name: str) -> Lift:
    """Return the public map from a table's cells to those of a level above.

    Every column that holds zones moves; unknown stays a place of its own. A trip from a zone to
    another of the same parent lies on the parents' diagonal, so no coarse cell is 0 by definition.
    """
    level = level_of(world, name)
    assert level is not None, "a plan refuses a level that the zones do not give"
    columns: list[Key] = []
    moved: list[tuple[int, ...] | None] = []
    for key in keys.keys:
        if holds_zones(key, world):
            labels, places = lifted(key, level)
            columns.append(Key(key.name, labels))
            moved.append(tuple(places.tolist()))
        else:
            columns.append(key)
            moved.append(None)
    return Lift(keys, KeySet(tuple(columns)), tuple(moved))


def caps_of(params: Any, names: tuple[str, ...]) -> tuple[int, ...]:
    """Return each level's cap, the zones' first; above them ``cap`` squared, at most 1,024."""
    given: Mapping[str, int] = params.level_caps or {}
    usual = min(params.cap**2, MAX_CAP)
    return tuple(params.cap if name == ZONE else given.get(name, usual) for name in names)


def levelled(measured: Measured) -> Measured:
    """Return a table whose rule bounds a person at all of its levels by one factor."""

    def rule(world: World, params: Any, day: MobilityDay, secret: bytes | None) -> Rule:
        plain = measured.rule(world, params, day, secret)
        if not isinstance(plain, Weighting) or plain.norm == 1:
            return plain
        keys = measured.keys(world, params, day)
        names = tuple(parts_of(keys, params, world=world, able=measured.levels))
        if len(names) == 1:
            return plain
        lifts = tuple(lift_of(keys, world, name) for name in names[1:])
        return LevelWeighting(caps=caps_of(params, names), lifts=lifts, factor=plain.factor)

    return replace(measured, rule=rule)


__all__ = ["FEWEST_CELLS", "USUAL", "caps_of", "city_cells", "levelled", "lift_of", "parts_of"]
