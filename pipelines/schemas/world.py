"""The public facts that key sets and statements may depend on."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.schemas.calendar import Calendar
from pipelines.schemas.outages import Outage
from pipelines.schemas.strata import Stratum
from pipelines.schemas.towers import Towers
from pipelines.schemas.zones import ZoneSet


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Days and zones: all that exists before any record is read.

    Attributes:
        calendar: The dates.
        zones: The public zones.
        strata: Public classes of persons, in the order in which their combinations are numbered.
        towers: Towers of each source that has some.
        outages: Declared outages that meet the dates. They move statuses alone: no key set, bound
            or statement may depend on them.
    """

    calendar: Calendar
    zones: ZoneSet
    outages: tuple[Outage, ...] = ()
    strata: tuple[Stratum, ...] = ()
    towers: tuple[Towers, ...] = ()
