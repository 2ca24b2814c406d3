"""Declared outages as public facts: which zone recorded nothing, from when to when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dp.keys import Key, KeySet
    from pipelines.schemas.calendar import Calendar, MobilityDay
    from pipelines.schemas.world import World
    from pipelines.schemas.zones import ZoneSet

CLEAR, PART, WHOLE = 0, 1, 2
"""How much of a cell an outage covers."""
EVERYWHERE = "all"
"""What a key calls all zones together."""
_SLOTS = ("bin", "day_part")
_NOWHERE = frozenset({"unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredOutage:
    """One row of an outages file as its author wrote it.

    Attributes:
        zone: A zone id, or "*" for every zone; "" where a tower is named.
        tower: A tower id of a source's tower table; "" where a zone is named.
        start: Time at which it began: ISO 8601, local to the series unless an offset is given.
        end: Time at which it ended.
        place: File and line, for messages.
    """

    zone: str
    start: str
    end: str
    place: str
    tower: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A zone without service, or with a part of it, over a half-open span of instants.

    Attributes:
        zone: Zone id.
        start_s: First instant, in seconds since 1970-01-01 UTC.
        end_s: First instant after it.
        part: Whether some of the towers that serve the zone, or other sources, still recorded.
    """

    zone: str
    start_s: int
    end_s: int
    part: bool = False


def coverage(
    keys: KeySet,
    *,
    world: World,
    day: MobilityDay,
    bin_s: int,
    cells: NDArray[np.int64] | None = None,
) -> NDArray[np.int8]:
    """Return ``CLEAR``, ``PART`` or ``WHOLE`` for each cell of one date; shape (cells,).

    A cell spans its time bin or day part where the table has them, otherwise the date. Each of
    its zone keys is covered by the outages of that zone (of a coarser zone: wholly only when all
    its zones are). The cell is covered as much as the most covered of its keys: no trip is seen
    when either end is dark. Public facts alone decide.

    Args:
        keys: The key set of the date.
        world: Zones, and outages of which no two whole ones of one zone overlap.
        day: The date.
        bin_s: Seconds in a time bin; unused without bins.
        cells: Cell numbers to look at; every cell when left out.
    """
    size = keys.size if cells is None else len(cells)
    found = np.zeros(size, dtype=np.int8)
    met = [one for one in world.outages if one.start_s < day.end_s and one.end_s > day.start_s]
    if not met:
        return found
    zones, name = world.zones, next((name for name in _SLOTS if name in keys.names), None)
    edges_s = _edges(keys, name, calendar=world.calendar, day=day, bin_s=bin_s)
    leaves = _leaf_levels(met, zones=zones, edges_s=edges_s)
    slot = np.zeros(size, dtype=np.int64) if name is None else _codes(keys, name, cells)
    for key in keys.keys:
        levels = _key_levels(key, leaves=leaves, zones=zones)
        if levels is not None:
            found = np.maximum(found, levels[_codes(keys, key.name, cells), slot])
    return found


def _codes(keys: KeySet, name: str, cells: NDArray[np.int64] | None) -> NDArray[np.int64]:
    return keys.codes(name) if cells is None else keys.codes_at(name, cells)


def _edges(
    keys: KeySet, name: str | None, *, calendar: Calendar, day: MobilityDay, bin_s: int
) -> NDArray[np.int64]:
    """Return the instants between a date's time slots; the last one ends with the date."""
    if name is None:
        return np.array([day.start_s, day.end_s], dtype=np.int64)
    values = keys.keys[keys.position(name)].values
    if name == "bin":
        starts_s = [day.start_s + bin_s * int(value) for value in values]
    else:
        starts_s = [_hour_s(calendar, day, int(str(value)[:2])) for value in values]
    return np.array([*starts_s, day.end_s], dtype=np.int64)


def _hour_s(calendar: Calendar, day: MobilityDay, hour: int) -> int:
    """Return the instant of a date at which a local clock reaches an hour: a day part's start."""
    time = dt.time(hour)
    later = dt.timedelta(days=0 if time >= calendar.day_starts else 1)
    return calendar.instant_s(day.date + later, time)


def _leaf_levels(
    outages: Sequence[Outage], *, zones: ZoneSet, edges_s: NDArray[np.int64]
) -> NDArray[np.int8]:
    """Return how much of each slot each zone was dark; shape (zones, slots)."""
    at = {zone: i for i, zone in enumerate(zones.ids)}
    dark_s, dim_s = np.zeros((2, len(zones), len(edges_s) - 1), dtype=np.int64)
    for one in outages:
        overlap_s = np.minimum(one.end_s, edges_s[1:]) - np.maximum(one.start_s, edges_s[:-1])
        (dim_s if one.part else dark_s)[at[one.zone]] += np.maximum(overlap_s, 0)
    touched = np.where(dark_s + dim_s > 0, PART, CLEAR)
    return np.where(dark_s >= np.diff(edges_s), WHOLE, touched).astype(np.int8)


def _key_levels(key: Key, *, leaves: NDArray[np.int8], zones: ZoneSet) -> NDArray[np.int8] | None:
    """Return the level of each value of a key in each slot; None where it names no places.

    A value is a zone, a parent, all zones, or nowhere; one value of another kind, and it is a key
    of another kind, whatever its other values are called.
    """
    places: dict[str, list[int]] = {EVERYWHERE: list(range(len(zones.ids)))}
    for i, parent in enumerate(zones.parents):
        if parent:
            places.setdefault(parent, []).append(i)
    places |= {zone: [i] for i, zone in enumerate(zones.ids)}
    named = [str(value) for value in key.values if value not in _NOWHERE]
    if not named or not all(value in places for value in named):
        return None
    members = [places.get(str(value), []) for value in key.values]
    levels = np.zeros((len(key), leaves.shape[1]), dtype=np.int8)
    for i, own in enumerate(members):
        if own:
            least, most = leaves[own].min(axis=0), leaves[own].max(axis=0)
            levels[i] = np.where(least == WHOLE, WHOLE, np.where(most > CLEAR, PART, CLEAR))
    return levels
