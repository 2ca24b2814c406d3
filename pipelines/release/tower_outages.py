"""From towers without service to zones: by the public assignment, date by date.

A zone is without service while every tower that serves it is, and keeps a part of it while only
some are. Which towers serve a zone follows from the tower table as it holds on each date: those
that stand for it, wholly or by a share, however small. No record is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from pipelines.schemas.outages import Outage

if TYPE_CHECKING:
    from pipelines.schemas.calendar import Calendar, MobilityDay
    from pipelines.schemas.towers import Towers
    from pipelines.schemas.zones import ZoneSet

Span = tuple[int, int]
Serving = Mapping[str, Sequence[str]]
"""Towers by zone id; a tower of two sources stands there twice."""


def dimmed(
    dark: Mapping[str, Sequence[Span]],
    *,
    towers: Sequence[Towers],
    calendar: Calendar,
    zones: ZoneSet,
    alone: bool,
) -> Iterator[Outage]:
    """Yield the outages of zones that follow from outages of towers, by zone, then time.

    Args:
        dark: By tower id: disjoint spans without service.
        towers: The towers of every source that has some.
        calendar: The dates.
        zones: The zones.
        alone: Whether every source has towers; else the others still record, and no zone is wholly
            without service.
    """
    spans: dict[str, list[tuple[int, int, bool]]] = defaultdict(list)
    for day in calendar.dates:
        for zone, serving in _serving(towers, day, zones).items():
            if any(tower in dark for tower in serving):
                spans[zone] += _of_date(serving, dark, day, alone=alone)
    for zone in zones.ids:
        for start_s, end_s, part in _joined(spans[zone]):
            yield Outage(zone=zone, start_s=start_s, end_s=end_s, part=part)


def together(
    declared: Iterable[Outage], derived: Iterable[Outage], order: Sequence[str]
) -> list[Outage]:
    """Return outages of both kinds; whole ones of one zone are united, so that none overlap."""
    whole: dict[str, list[Span]] = defaultdict(list)
    part: dict[str, list[Span]] = defaultdict(list)
    for one in (*declared, *derived):
        (part if one.part else whole)[one.zone].append((one.start_s, one.end_s))
    found = []
    for zone in order:
        dark = _united(whole[zone])
        found += [Outage(zone=zone, start_s=a, end_s=b) for a, b in dark]
        found += [
            Outage(zone=zone, start_s=a, end_s=b, part=True)
            for a, b in part[zone]
            if not any(start <= a and b <= end for start, end in dark)
        ]
    return sorted(found, key=lambda one: (order.index(one.zone), one.start_s, one.end_s))


def _serving(towers: Sequence[Towers], day: MobilityDay, zones: ZoneSet) -> Serving:
    found: dict[str, list[str]] = defaultdict(list)
    for table in towers:
        for share in table.shares:
            if share.zone >= 0 and share.first <= day.date <= share.last:
                found[zones.ids[share.zone]].append(share.tower)
    return found


def _of_date(
    serving: Sequence[str], dark: Mapping[str, Sequence[Span]], day: MobilityDay, *, alone: bool
) -> Iterator[tuple[int, int, bool]]:
    """Yield (start, end, part) of one zone on one date, cut where any of its towers changes."""
    met = {
        tower: [
            (max(start, day.start_s), min(end, day.end_s))
            for start, end in dark.get(tower, ())
            if start < day.end_s and end > day.start_s
        ]
        for tower in serving
    }
    edges = sorted({edge for own in met.values() for span in own for edge in span})
    for start_s, end_s in pairwise(edges):
        out = sum(any(a <= start_s and end_s <= b for a, b in met[tower]) for tower in serving)
        if out:
            yield start_s, end_s, not (alone and out == len(serving))


def _joined(spans: Iterable[tuple[int, int, bool]]) -> Iterator[tuple[int, int, bool]]:
    """Yield spans of one kind that touch as one."""
    last: tuple[int, int, bool] | None = None
    for start_s, end_s, part in spans:
        if last is not None and (last[1], last[2]) == (start_s, part):
            last = (last[0], end_s, part)
            continue
        if last is not None:
            yield last
        last = (start_s, end_s, part)
    if last is not None:
        yield last


def _united(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for start_s, end_s in sorted(spans):
        if found and start_s < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end_s))
        else:
            found.append((start_s, end_s))
    return found
