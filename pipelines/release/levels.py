"""The levels of a planned table: its measurements above the zones, and what is best of all."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dp.bounding import LevelWeighting
from dp.keys import KeySet
from dp.lifts import Lift
from dp.postprocess import Levelled, LevelTree, Single
from pipelines.schemas.levels import LEVELS, PARENT, ZONE, level_of, zone_keys
from pipelines.tables import TABLES
from pipelines.tables._levels import caps_of, lift_of, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dp.bounding import Rule
    from dp.law import NoiseLaw
    from dp.postprocess import Best
    from dp.tables import Noisy
    from pipelines.release.model import PlannedMeasurement
    from pipelines.schemas.measured import TableParams
    from pipelines.schemas.world import World
    from pipelines.spec import ReleaseSpec

_REMEMBERED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLevel:
    """One level of a table.

    Attributes:
        name: "zone", "parent" or "city".
        number: 0 for the table's own cells.
        part: Its part of the table's rho.
        lift: The public map from the table's cells; None for the cells themselves.
    """

    name: str
    number: int
    part: Fraction
    lift: Lift | None = None

    def keys(self, leaves: KeySet) -> KeySet:
        """Return the level's key set."""
        return leaves if self.lift is None else self.lift.coarse


def levels_of(params: TableParams, keys: KeySet, *, world: World) -> tuple[PlannedLevel, ...]:
    """Return the levels at which a table is measured, the zones first; one where it has no others.

    Args:
        params: The table's entry.
        keys: Its key set of a date.
        world: The zones.
    """
    parts = parts_of(keys, params, world=world, able=TABLES[params.table].levels)
    return tuple(
        PlannedLevel(
            name=name,
            number=number,
            part=part,
            lift=lift_of(keys, world, name) if number else None,
        )
        for number, (name, part) in enumerate(parts.items())
    )


def level_facts(
    level: PlannedLevel, params: Any, rule: Rule, names: tuple[str, ...]
) -> dict[str, Any]:
    """Return what a charge is booked under beside the table's facts; nothing for a table alone.

    The parts of other levels are left out: what this level costs stands in its rho. The caps of all
    levels make one person's factor, so they belong to every level.
    """
    facts: dict[str, Any] = {"level": level.name} if level.number else {}
    if isinstance(rule, LevelWeighting):
        facts["level_caps"] = dict(zip(names, caps_of(params, names), strict=True))
    return facts


def level_faults(spec: ReleaseSpec, *, world: World) -> list[str]:
    """Return which levels the zones or the tables cannot give, each with what would work."""
    found = []
    for i, params in enumerate(spec.tables):
        where = f"{spec.path}, tables[{i}] ({params.table}): "
        found += [where + fault for fault in _faults(params, world)]
    return found


def _faults(params: TableParams, world: World) -> list[str]:
    measured = TABLES[params.table]
    asked = params.levels is True or isinstance(params.levels, dict)
    caps = getattr(params, "level_caps", None)
    if not asked and not caps:
        return []
    if params.thresholded:
        return [
            (
                "levels are made consistent over all cells, but with a threshold most have none."
                ' Write keys = "all", or remove levels and level_caps.'
            )
        ]
    keys = measured.keys(world, params, world.calendar.dates[0])
    if asked and not (measured.levels and zone_keys(keys, world)):
        return ["levels are asked for, but its value is no sum over zones. Remove levels."]
    parts = parts_of(keys, params, world=world, able=measured.levels)
    if PARENT in parts or params.levels is True:
        fault = _parentless(parts, world)
        if fault:
            return [fault]
    if len(parts) > 1 and len(world.zones) == 1:
        return ["levels need two zones or more. Write levels = false."]
    return _cap_faults(params, tuple(parts)) if caps else []


def _parentless(parts: Mapping[str, Fraction], world: World) -> str | None:
    if level_of(world, PARENT) is not None:
        return None
    named = {parent for parent in world.zones.parents if parent}
    why = (
        "the zones name no parents"
        if not named
        else "some zones have no parent"
        if "" in world.zones.parents
        else f"the {len(world.zones)} zones have {len(named)} "
        + ("parent" if len(named) == 1 else "parents")
    )
    kept = {name: part for name, part in parts.items() if name != PARENT}
    whole = sum(kept.values(), Fraction(0))
    fit = ", ".join(f'{name} = "{part / whole}"' for name, part in kept.items())
    if len(kept) == 1:
        fit = 'zone = "4/5", city = "1/5"'
    return (
        f"levels needs parents, but {why}. Write parent under [zones] with a column of coarser"
        f" zones, or levels = {{ {fit} }}."
    )


def _cap_faults(params: Any, names: tuple[str, ...]) -> list[str]:
    """Return why caps of levels would do nothing."""
    unused = [name for name in params.level_caps if name not in names]
    if unused:
        return [
            (
                f"level_caps names {unused[0]}, which is not measured here (levels:"
                f" {', '.join(names)}). Remove it, or write levels with it."
            )
        ]
    if params.bounding == "sampling" or params.noise == "laplace":
        rule = "sampling" if params.bounding == "sampling" else "Laplace noise"
        return [f"with {rule} the bound of every level follows from cap. Remove level_caps."]
    return []


@lru_cache(maxsize=_REMEMBERED)
def slice_tree(
    keys: KeySet, lifts: tuple[Lift, ...], laws: tuple[NoiseLaw, ...], zoned: tuple[str, ...]
) -> LevelTree:
    """Return the tree of the columns that hold zones: it is the same for every value of the others.

    Args:
        keys: A table's key set.
        lifts: Its maps.
        laws: The noise of each level.
        zoned: Names of the columns that hold zones.
    """
    at = [i for i, name in enumerate(keys.names) if name in zoned]

    def cut(whole: KeySet, distinct: tuple[tuple[str, str], ...] = ()) -> KeySet:
        return KeySet(tuple(whole.keys[i] for i in at), distinct=distinct)

    own = cut(keys, keys.distinct)
    cuts = (Lift(own, cut(lift.coarse), tuple(lift.moved[i] for i in at)) for lift in lifts)
    return LevelTree(own, tuple(cuts), laws)


def tree_of(own: Sequence[PlannedMeasurement], *, world: World) -> LevelTree | None:
    """Return the slice tree of a table's measurements on one date; None where there is one level.

    Args:
        own: Its measurements on the date, the zones first.
        world: The zones.
    """
    if len(own) == 1:
        return None
    keys, lifts = own[0].keys, tuple(one.lift for one in own[1:] if one.lift is not None)
    return slice_tree(keys, lifts, tuple(one.law for one in own), zone_keys(keys, world))


def best_of(
    own: Sequence[PlannedMeasurement], recall: Callable[[PlannedMeasurement], Noisy]
) -> Best:
    """Return the best unbiased figures of a table on a date: consistent over its levels.

    Args:
        own: Its measurements on the date, the zones first.
        recall: Gives back a stored measurement.
    """
    drawn = tuple(recall(one) for one in own)
    return best_from(drawn, tuple(one.lift for one in own[1:] if one.lift is not None))


def best_from(drawn: tuple[Noisy, ...], lifts: tuple[Lift, ...]) -> Best:
    """Return the best unbiased figures from measurements, the zones' first, and their maps."""
    if len(drawn) == 1:
        return Single(drawn[0])
    return Levelled(LevelTree(drawn[0].keys, lifts, tuple(one.law for one in drawn)), drawn)


__all__ = [
    "LEVELS",
    "ZONE",
    "PlannedLevel",
    "best_from",
    "best_of",
    "level_facts",
    "level_faults",
    "levels_of",
    "slice_tree",
    "tree_of",
]
