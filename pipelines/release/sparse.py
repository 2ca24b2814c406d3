"""Warnings for sources with few events a day, from what the spec declares and never from data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipelines.tables import TABLES
from pipelines.tables._stretches import PresenceParams

if TYPE_CHECKING:
    from pipelines.schemas.measured import TableParams
    from pipelines.spec import ReleaseSpec

_DAY_MINUTES = 1440
_ON_STAYS = frozenset({"stays", "trips"})


def sparse_warnings(spec: ReleaseSpec) -> list[str]:
    """Return what makes no sense for so few events: short bins, and tables that rest on stays.

    Sources are united per person, so their declared events add up. Nothing is said where a source
    declares none, but that a network source should.
    """
    undeclared = [
        f"sources[{i}]: declare events_per_day (from the operator's public figures, not counted"
        " here): without it a plan cannot say which tables are too fine for this source"
        for i, source in enumerate(spec.declared)
        if source.kind == "cdr" and source.events_per_day is None
    ]
    events = [source.events_per_day for source in spec.declared if source.events_per_day]
    if undeclared or len(events) < len(spec.declared):
        return undeclared
    apart = -(-_DAY_MINUTES // sum(events))
    declared = f"{sum(events)} events a day are declared, one in {apart} minutes"
    return [line for params in spec.tables for line in _too_fine(spec, params, apart, declared)]


def _too_fine(spec: ReleaseSpec, params: TableParams, apart: int, declared: str) -> Iterator[str]:
    bridged = spec.traces.same_zone_gap_minutes
    if isinstance(params, PresenceParams) and params.bin_minutes < apart:
        yield (
            f"{params.table}: bins of {params.bin_minutes} minutes, but {declared}: in most bins"
            " nobody knows where a usual person is, and values say when phones are used. Write"
            f" bin_minutes = {_bin(apart)}"
        )
    if apart <= bridged:
        return
    if TABLES[params.table].needs & _ON_STAYS:
        yield (
            f"{params.table}: it rests on stays, but {declared}, and a gap in one zone is bridged"
            f" up to {bridged} (same_zone_gap_minutes): a usual person shows few. Take transitions"
            " instead of od_flows; trips and stays will be far too low"
        )
    if params.table == "stay_put":
        yield (
            f"{params.table}: it needs 8 observed hours, but {declared}: most people will be"
            " unobserved, and who is not is a special few"
        )


def _bin(apart: int) -> int:
    lengths = (10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, _DAY_MINUTES)
    return next(length for length in lengths if length >= apart)
