"""Tower ids of records to zones: by the tower's one zone, or by a keyed draw among its shares.

Where a tower stands for several zones, a person's records at it go to one of them, always the same:
the zone whose share holds sha256(secret | person | tower). The draw depends on the person's own id,
on public facts and on the ledger's secret; never on other people, nor on other records. So a record
is in one zone, and every bound holds as it does for records with coordinates (``towers.md``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.ingest.places import ZONE_PLACES, zone_places
from pipelines.schemas.calendar import Calendar
from pipelines.schemas.towers import PARTS, Towers
from pipelines.schemas.world import World

if TYPE_CHECKING:
    from pipelines.ingest.check import CheckedSource

_DIGITS = 4


def place_relations(sources: Iterable[CheckedSource], world: World) -> dict[str, pa.Table]:
    """Return the public relations that give places to zone ids and tower ids, by name."""
    towers = {one.source: one for one in world.towers}
    found = {}
    for checked in sources:
        if checked.towers:
            places = tower_places(towers[checked.source.label], world.calendar)
            found[towers_relation(checked.number)] = places
        elif "zone" in checked.columns:
            found[ZONE_PLACES] = zone_places(world.zones)
    return found


def split_sources(world: World) -> frozenset[str]:
    """Return the labels of the sources of which a tower stands for several zones."""
    return frozenset(one.source for one in world.towers if one.split)


def towers_relation(number: int) -> str:
    """Return the name of the relation of the towers of a source."""
    return f"ingest_towers_{number}"


def tower_places(towers: Towers, calendar: Calendar) -> pa.Table:
    """Return shares as a relation over the seconds of a calendar, all public.

    Columns ``id``, ``from_s``, ``to_s`` (int64, seconds since the first date's start, half-open),
    ``zone``, ``lat_e7``, ``lon_e7`` (int32), ``low``, ``high`` (hexadecimal text, half-open).
    """
    days = {day.date: day for day in calendar.dates}
    start = calendar.dates[0].start_s
    first, last = calendar.dates[0].date, calendar.dates[-1].date
    shares = [s for s in towers.shares if s.first <= last and s.last >= first]
    small = pa.int32()
    return pa.table(
        {
            "id": pa.array([s.tower for s in shares], pa.string()),
            "from_s": pa.array(
                [days[max(s.first, first)].start_s - start for s in shares], pa.int64()
            ),
            "to_s": pa.array([days[min(s.last, last)].end_s - start for s in shares], pa.int64()),
            "zone": pa.array([s.zone for s in shares], small),
            "lat_e7": pa.array([s.lat_e7 for s in shares], small),
            "lon_e7": pa.array([s.lon_e7 for s in shares], small),
            "low": pa.array([_hex(s.low) for s in shares], pa.string()),
            "high": pa.array([_hex(s.high) for s in shares], pa.string()),
        }
    )


def lot_sql(person: str, tower: str, secret: bytes) -> str:
    """Return SQL for a person's lot at a tower: four hexadecimal digits."""
    fields = f"CAST({person} AS VARCHAR), {tower}"
    return f"SUBSTR(SHA256(CONCAT_WS('|', '{secret.hex()}|tower', {fields})), 1, {_DIGITS})"


def _hex(part: int) -> str:
    """Return a number of parts as text in the order of lots; all of them come after every lot."""
    return f"{part:0{_DIGITS}x}" if part < PARTS else "g"
