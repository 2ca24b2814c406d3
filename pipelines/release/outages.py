"""From declared outages to public facts of a release: instants, zones, and what is published.

An outage moves statuses alone. Keys, bounds, noise and charges never depend on it, so a corrected
outages file gives a new folder of the same measurements at no cost.
"""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import TYPE_CHECKING

from pipelines.errors import SpecError
from pipelines.schemas.outages import Outage
from pipelines.spec.fields import nearest, said
from pipelines.spec.outages import EVERY_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.schemas.calendar import Calendar
    from pipelines.schemas.outages import DeclaredOutage
    from pipelines.schemas.world import World
    from pipelines.schemas.zones import ZoneSet

FILE = "outages.csv"


def outages_of(
    rows: Iterable[DeclaredOutage], *, calendar: Calendar, zones: ZoneSet
) -> tuple[Outage, ...]:
    """Return the outages that meet the release's dates, by zone in published order, then time.

    Rows beyond the dates are checked and left out: one file may serve a whole series, and a later
    outage does not change an earlier release.

    Raises:
        SpecError: unknown zones, times that cannot be read or name no single instant, an end that
            is not after its start, two outages of a zone that overlap; one line a fault.
    """
    known = {zone: i for i, zone in enumerate(zones.ids)}
    found: list[str] = []
    spans: dict[str, list[tuple[int, int, str]]] = {}
    for row in rows:
        if row.zone != EVERY_ZONE and row.zone not in known:
            found.append(f"{row.place}: {said(row.zone)} is no zone.{_near(row.zone, known)}")
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
        for zone in zones.ids if row.zone == EVERY_ZONE else (row.zone,):
            spans.setdefault(zone, []).append((start_s, end_s, row.place))
    found += _overlaps(spans)
    if found:
        raise SpecError("\n".join(found))
    return _within(spans, calendar=calendar, zones=zones)


def outage_facts(world: World) -> list[dict[str, str]]:
    """Return the outages of a release as JSON values: zone, from and to with their offsets."""
    return [
        {
            "zone": one.zone,
            "from": _stamp(one.start_s, world.calendar),
            "to": _stamp(one.end_s, world.calendar),
        }
        for one in world.outages
    ]


def outages_text(world: World) -> str:
    """Return ``outages.csv`` of a release folder."""
    lines = [
        ",".join(('"' + f["zone"].replace('"', '""') + '"', f["from"], f["to"]))
        for f in outage_facts(world)
    ]
    return "\n".join(["zone,from,to", *lines]) + "\n"


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


def _overlaps(spans: dict[str, list[tuple[int, int, str]]]) -> list[str]:
    lines: dict[str, None] = {}
    for zone, own in spans.items():
        own.sort()
        for (_, end_s, first), (start_s, _, second) in pairwise(own):
            if start_s < end_s:
                lines.setdefault(
                    f"{second}: overlaps {first.rpartition(', ')[2]} in zone {said(zone)}. Write"
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
