"""From declared outages to public facts of a release: instants, zones, and what is published.

An outage moves statuses alone. Keys, bounds, noise and charges never depend on it, so a corrected
outages file gives a new folder of the same measurements at no cost.
"""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import TYPE_CHECKING

from pipelines.errors import SpecError
from pipelines.release.tower_outages import dimmed, together
from pipelines.schemas.outages import Outage
from pipelines.spec.fields import nearest, said
from pipelines.spec.outages import EVERY_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipelines.schemas.calendar import Calendar
    from pipelines.schemas.outages import DeclaredOutage
    from pipelines.schemas.towers import Towers
    from pipelines.schemas.world import World
    from pipelines.schemas.zones import ZoneSet

FILE = "outages.csv"


def outages_of(
    rows: Iterable[DeclaredOutage],
    *,
    calendar: Calendar,
    zones: ZoneSet,
    towers: Sequence[Towers] = (),
    alone: bool = True,
) -> tuple[Outage, ...]:
    """Return the outages that meet the release's dates, by zone in published order, then time.

    Rows beyond the dates are checked and left out: one file may serve a whole series, and a later
    outage does not change an earlier release. A row of a tower is one of the zones that it serves
    (``pipelines.release.tower_outages``).

    Args:
        rows: The file's rows.
        calendar: The dates.
        zones: The zones.
        towers: The towers of every source that has some.
        alone: Whether every source has towers.

    Raises:
        SpecError: unknown zones or towers, times that cannot be read or name no single instant, an
            end that is not after its start, two outages of a zone or tower that overlap; one line
            a fault.
    """
    known, ids = dict.fromkeys(zones.ids), frozenset[str]().union(*(one.known for one in towers))
    found: list[str] = []
    spans: dict[str, list[tuple[int, int, str]]] = {}
    dark: dict[str, list[tuple[int, int, str]]] = {}
    for row in rows:
        fault = _unknown(row, zones=known, towers=ids, any_towers=bool(towers))
        if fault:
            found.append(f"{row.place}: {fault}")
            continue
        try:
            start_s, end_s = (_instant(text, calendar) for text in (row.start, row.end))
        except ValueError as fault:
            found.append(f"{row.place}: {fault}")
            continue
        if end_s <= start_s:
            found.append(
                f"{row.place}: to must be later than from, got {said(row.start)} to"
                f" {said(row.end)}."
            )
            continue
        if row.tower:
            dark.setdefault(row.tower, []).append((start_s, end_s, row.place))
            continue
        for zone in zones.ids if row.zone == EVERY_ZONE else (row.zone,):
            spans.setdefault(zone, []).append((start_s, end_s, row.place))
    found += [*_overlaps(spans, "zone"), *_overlaps(dark, "tower")]
    if found:
        raise SpecError("\n".join(found))
    declared = _within(spans, calendar=calendar, zones=zones)
    if not dark:
        return declared
    without = {tower: [(start, end) for start, end, _ in own] for tower, own in dark.items()}
    derived = dimmed(without, towers=towers, calendar=calendar, zones=zones, alone=alone)
    return tuple(together(declared, derived, zones.ids))


def outage_facts(world: World) -> list[dict[str, str]]:
    """Return the outages of a release as JSON values: zone, from and to with their offsets.

    Where any follows from towers of which some still served the zone, ``extent`` tells these
    ("part") from the others ("whole").
    """
    parts = any(one.part for one in world.outages)
    return [
        {
            "zone": one.zone,
            "from": _stamp(one.start_s, world.calendar),
            "to": _stamp(one.end_s, world.calendar),
            **({"extent": "part" if one.part else "whole"} if parts else {}),
        }
        for one in world.outages
    ]


def outages_text(world: World) -> str:
    """Return ``outages.csv`` of a release folder."""
    facts = outage_facts(world)
    lines = [
        ",".join(('"' + zone.replace('"', '""') + '"', *rest))
        for zone, *rest in (fact.values() for fact in facts)
    ]
    return "\n".join([",".join(facts[0]), *lines]) + "\n"


def _unknown(
    row: DeclaredOutage,
    *,
    zones: Mapping[str, None],
    towers: frozenset[str],
    any_towers: bool,
) -> str:
    """Return what is wrong with the place that a row names; "" where it is known."""
    if row.tower:
        if not any_towers:
            return "it names a tower, but no source has towers. Write zones instead."
        if row.tower in towers:
            return ""
        near = nearest(row.tower, sorted(towers)) or " Write an id of a source's tower table."
        return f"{said(row.tower)} is no tower.{near}"
    if row.zone == EVERY_ZONE or row.zone in zones:
        return ""
    return f"{said(row.zone)} is no zone.{_near(row.zone, zones)}"


def _instant(text: str, calendar: Calendar) -> int:
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or "T" not in text.upper().replace(" ", "T"):
        raise ValueError(f"{said(text)} is no time. Write it as 2026-03-02T09:00.")
    if time.tzinfo is not None:
        return int(time.timestamp())
    early, late = (time.replace(tzinfo=calendar.zone, fold=fold) for fold in (0, 1))
    if early.timestamp() != late.timestamp():
        raise ValueError(
            f"{said(text)} occurs twice or never in {calendar.time_zone}, whose clocks change"
            f" then. Write the offset, such as {early.isoformat()}."
        )
    return int(early.timestamp())


def _overlaps(spans: dict[str, list[tuple[int, int, str]]], kind: str) -> list[str]:
    lines: dict[str, None] = {}
    for zone, own in spans.items():
        own.sort()
        for (_, end_s, first), (start_s, _, second) in pairwise(own):
            if start_s < end_s:
                lines.setdefault(
                    f"{second}: overlaps {first.rpartition(', ')[2]} in {kind} {said(zone)}. Write"
                    " one row for both."
                )
    return list(lines)


def _within(
    spans: dict[str, list[tuple[int, int, str]]], *, calendar: Calendar, zones: ZoneSet
) -> tuple[Outage, ...]:
    first_s, last_s = calendar.dates[0].start_s, calendar.dates[-1].end_s
    return tuple(
        Outage(zone=zone, start_s=start_s, end_s=end_s)
        for zone in zones.ids
        for start_s, end_s, _ in spans.get(zone, [])
        if start_s < last_s and end_s > first_s
    )


def _near(word: str, known: Iterable[str]) -> str:
    return nearest(word, known) or " Write a zone id of the spec's zones, or * for every zone."


def _stamp(instant_s: int, calendar: Calendar) -> str:
    return dt.datetime.fromtimestamp(instant_s, calendar.zone).isoformat()
