"""Chains of coarser and coarser cells of one table: times and zones, in every order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp.keys import KeySet
from pipelines.coarse.blocks import Codes, Grouping, grouping
from pipelines.schemas.calendar import HOUR_S, MobilityDay
from pipelines.schemas.world import World

BIN = "bin"
PART_S = 6 * HOUR_S
LAST_PART = 3
ALL = "all"
TIMES = ("bin", "day part", "date", "week")
PLACES = ("zone", "parent", "city")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Base:
    """The base cells of one week of a table, dates one after the other.

    Attributes:
        date: Number of each cell's date within the week, shape (cells,).
        bin: Each cell's time bin, 0 where the table has none.
        keys: Codes of each key other than ``bin``, by name.
        labels: Labels that those codes stand for.
        zoned: Names of the keys that hold zones.
        part: Each cell's part of the day.
    """

    date: Codes
    bin: Codes
    part: Codes
    keys: dict[str, Codes]
    labels: dict[str, tuple[str, ...]]
    zoned: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One combination of a time level and a zone level.

    Attributes:
        time: One of ``TIMES``.
        place: One of ``PLACES``.
        grouping: The base cells' groups.
    """

    time: str
    place: str
    grouping: Grouping


def base_of(keys: list[KeySet], *, days: list[MobilityDay], world: World, bin_s: int) -> Base:
    """Return the base cells of up to seven dates with these key sets (clock changes add bins)."""
    first = keys[0]
    has_bins = BIN in first.names
    bins = [one.codes(BIN) if has_bins else np.zeros(one.size, np.int64) for one in keys]
    bin_codes = np.concatenate(bins)
    sizes = [one.size for one in keys]
    others = [key for key in first.keys if key.name != BIN]
    return Base(
        date=np.repeat(np.arange(len(days), dtype=np.int64), sizes),
        bin=bin_codes,
        part=np.minimum(bin_codes * bin_s // PART_S, LAST_PART),
        keys={k.name: np.concatenate([one.codes(k.name) for one in keys]) for k in others},
        labels={key.name: tuple(str(value) for value in key.values) for key in others},
        zoned=tuple(k.name for k in others if k.values[: len(world.zones)] == world.zones.ids),
    )


def places_of(world: World) -> list[tuple[str, tuple[str, ...], NDArray[np.int64]]]:
    """Return the zone levels: name, labels, and the place of each zone, finest first.

    Parents are a level where every zone has one and there are fewer of them than zones, but more
    than one.
    """
    zones = world.zones
    levels = [("zone", zones.ids, np.arange(len(zones), dtype=np.int64))]
    parents = tuple(sorted(set(zones.parents)))
    if "" not in parents and 1 < len(parents) < len(zones):
        at = {parent: i for i, parent in enumerate(parents)}
        levels.append(("parent", parents, np.array([at[p] for p in zones.parents])))
    levels.append(("city", (ALL,), np.zeros(len(zones), dtype=np.int64)))
    return levels


def chains_of(base: Base, *, world: World, bin_s: int, has_bins: bool) -> list[list[Step]]:
    """Return every chain: each step coarsens time or zones by one level, from finest to coarsest.

    With bins of at least a day part that level is left out; without bins time starts at the date.
    What stands beside the zones ("unknown") and every other key never merges with anything.
    """
    times = [name for name in TIMES if _useful(name, bin_s=bin_s, has_bins=has_bins)]
    places = places_of(world) if base.zoned else [("zone", (), np.zeros(0, dtype=np.int64))]
    made: dict[tuple[int, int], Step] = {}
    for t, time in enumerate(times):
        for p, (place, labels, at) in enumerate(places):
            parts = _time_parts(base, time) + _place_parts(base, labels=labels, at=at)
            made[t, p] = Step(time=time, place=place, grouping=grouping(f"{time} x {place}", parts))
    paths = _paths(len(times) - 1, len(places) - 1)
    return [[made[spot] for spot in path] for path in paths]


def _useful(time: str, *, bin_s: int, has_bins: bool) -> bool:
    if time == "bin":
        return has_bins
    return time != "day part" or (has_bins and bin_s < PART_S)


def _paths(times: int, places: int) -> list[list[tuple[int, int]]]:
    """Return the paths from (0, 0) to (times, places), coarsening time early first."""
    if times == 0 and places == 0:
        return [[(0, 0)]]
    found = []
    if places:
        found += [[*path, (times, places)] for path in _paths(times, places - 1)]
    if times:
        found += [[*path, (times, places)] for path in _paths(times - 1, places)]
    return found


def _time_parts(base: Base, time: str) -> list[tuple[Codes, int]]:
    dates = (base.date, int(base.date.max()) + 1)
    if time == "week":
        return [(np.zeros_like(base.date), 1)]
    if time == "date":
        return [dates]
    if time == "day part":
        return [dates, (base.part, LAST_PART + 1)]
    return [dates, (base.bin, int(base.bin.max()) + 1)]


def _place_parts(
    base: Base, *, labels: tuple[str, ...], at: NDArray[np.int64]
) -> list[tuple[Codes, int]]:
    parts = []
    for name, codes in base.keys.items():
        size = len(base.labels[name])
        if name in base.zoned:
            beside = size - len(at)
            lift = np.concatenate([at, len(labels) + np.arange(beside, dtype=np.int64)])
            parts.append((lift[codes], len(labels) + beside))
        else:
            parts.append((codes, size))
    return parts
