"""Traces and tables in plain Python, slow and plain to read. The SQL is held against it.

Everything here is about one person on one date. Nothing is shared with the code under test but
the nouns: parameters and days.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.schemas.calendar import MobilityDay
    from pipelines.schemas.traces import TraceParams


@dataclass(frozen=True, slots=True, order=True)
class Record:
    t: int
    zone: int
    t2: int
    person: str = "p"
    d: int = 0
    lat_e7: int = 0
    lon_e7: int = 0
    declared: bool = False
    category: int = -1

    @property
    def stratum(self) -> int:
        """A person's combination of two ages or unknown and one sex or unknown: 0 to 5."""
        return sum(map(ord, self.person)) % 6


def fix(t: int, zone: int, person: str = "p", d: int = 0, **where: int) -> Record:
    return Record(t, zone, t, person, d, **where)


@dataclass(frozen=True, slots=True)
class Run:
    zone: int
    t_start: int
    t_first: int
    t_last: int
    t_end: int
    lat_e7: int
    lon_e7: int
    declared: bool
    t_seen: int = 0
    categories: frozenset[int] = frozenset()

    def holds(self, instant: int) -> bool:
        return self.t_start <= instant < self.t_end


@dataclass(frozen=True, slots=True)
class Trip:
    origin: int
    destination: int
    t_depart: int
    t_arrive: int
    distance_m: int


def is_bridged(before: int, after: int, day: MobilityDay, params: TraceParams) -> bool:
    """Whether a gap between two records of one zone counts as being there."""
    overnight = (before + after) // 2 >= day.overnight_s
    minutes = params.overnight_gap_minutes if overnight else params.same_zone_gap_minutes
    return after - before <= 60 * minutes


def runs(records: Iterable[Record], day: MobilityDay, params: TraceParams) -> list[Run]:
    groups: list[list[Record]] = []
    reach = 0
    for record in sorted(set(records)):
        same = bool(groups) and groups[-1][-1].zone == record.zone
        if same and is_bridged(min(reach, record.t), record.t, day, params):
            groups[-1].append(record)
        else:
            groups.append([record])
        reach = max(reach, record.t2)
    firsts = [group[0].t for group in groups]
    ends = [max(record.t2 for record in group) for group in groups]
    lasts = [min(end, after) for end, after in zip(ends, [*firsts[1:], ends[-1]], strict=True)]
    found = []
    for i, group in enumerate(groups):
        t_start, t_end = firsts[i], lasts[i]
        if i > 0:
            t_start = max(middle(lasts[i - 1], firsts[i]), t_start - 60 * params.move_gap_minutes)
        if i < len(groups) - 1:
            t_end = min(middle(lasts[i], firsts[i + 1]), t_end + 60 * params.move_gap_minutes)
        found.append(
            Run(
                zone=group[0].zone,
                t_start=t_start,
                t_first=firsts[i],
                t_last=lasts[i],
                t_end=t_end,
                lat_e7=middle(min(r.lat_e7 for r in group), max(r.lat_e7 for r in group)),
                lon_e7=middle(min(r.lon_e7 for r in group), max(r.lon_e7 for r in group)),
                declared=any(r.declared and r.t2 == r.t for r in group),
                t_seen=group[-1].t,
                categories=frozenset(r.category for r in group) - {-1},
            )
        )
    return found


def neighbours(runs: list[Run], records: Iterable[Record]) -> list[tuple[int, int, int, int]]:
    """Return zone and last moment of the run before, zone and first moment of the run after.

    The first run is its own before, the last one its own after: with the latest end of its records.
    """
    found = []
    for i, run in enumerate(runs):
        before = (runs[i - 1].zone, runs[i - 1].t_last) if i else (run.zone, run.t_first)
        held = [r.t2 for r in records if r.zone == run.zone and run.t_first <= r.t <= run.t_seen]
        last = i + 1 == len(runs)
        after = (run.zone, max(held)) if last else (runs[i + 1].zone, runs[i + 1].t_first)
        found.append((*before, *after))
    return found


def middle(low: int, high: int) -> int:
    return math.floor((low + high) / 2)


def zone_at(
    instant: int, fixes: Iterable[Record], day: MobilityDay, params: TraceParams
) -> int | None:
    """Where a person with fixes only is at one instant, read off the definition.

    The fixes just before and just after decide. Shares nothing with ``runs``.
    """
    ordered = sorted(fixes)
    before = [f for f in ordered if f.t <= instant]
    after = [f for f in ordered if f.t > instant]
    if not before or not after:
        return None
    left, right = before[-1], after[0]
    if left.zone == right.zone and is_bridged(left.t, right.t, day, params):
        return left.zone
    hold = 60 * params.move_gap_minutes
    if instant < min(left.t + hold, middle(left.t, right.t)):
        return left.zone
    if instant >= max(right.t - hold, middle(left.t, right.t)):
        return right.zone
    return None


def stays(found: Iterable[Run], params: TraceParams) -> list[Run]:
    least = 60 * params.min_dwell_minutes
    return [run for run in found if run.t_end - run.t_start >= least or run.declared]


def squared_e14(a: Run, b: Run, cosine_ppm: int) -> int:
    """The squared distance of two runs, in squares of 10^-7 degrees of latitude."""
    north = abs(a.lat_e7 - b.lat_e7)
    around = abs(a.lon_e7 - b.lon_e7)
    east = min(around, 3_600_000_000 - around) * cosine_ppm // 1_000_000
    return north**2 + east**2


def far_enough(a: Run, b: Run, params: TraceParams, cosine_ppm: int) -> bool:
    least = math.ceil(params.min_trip_m * 10_000_000 / 111_195)
    return squared_e14(a, b, cosine_ppm) >= least**2


def trips(stayed: list[Run], params: TraceParams, cosine_ppm: int) -> list[Trip]:
    return [
        Trip(a.zone, b.zone, a.t_end, b.t_start, metres(squared_e14(a, b, cosine_ppm)))
        for a, b in pairwise(stayed)
        if a.zone != b.zone and min(a.zone, b.zone) >= 0 and far_enough(a, b, params, cosine_ppm)
    ]


def transitions(found: list[Run], max_gap_s: int, oscillation_s: int) -> list[tuple[int, int, int]]:
    """(origin, destination, last record before) of each change of zone, swings left out."""
    kept = []
    for i, run in enumerate(found):
        if 0 < i < len(found) - 1:
            before, after = found[i - 1], found[i + 1]
            swings = before.zone == after.zone != run.zone
            if swings and after.t_first - before.t_last <= oscillation_s:
                continue
        kept.append(run)
    return [
        (a.zone, b.zone, a.t_last)
        for a, b in pairwise(kept)
        if a.zone != b.zone and min(a.zone, b.zone) >= 0 and b.t_first - a.t_last <= max_gap_s
    ]


def metres(squared: int) -> int:
    return math.isqrt(squared) * 111_195 // 10_000_000


def seconds_after(found: Iterable[Run], start: int) -> Counter[int]:
    """Known seconds per zone from an instant on."""
    spent: Counter[int] = Counter()
    for run in found:
        spent[run.zone] += max(0, run.t_end - max(run.t_start, start))
    return spent


def overnight(found: list[Run], day: MobilityDay, params: TraceParams) -> int:
    spent = seconds_after(found, day.overnight_s)
    longest = max(spent.values(), default=0)
    winner = min((zone for zone, s in spent.items() if s == longest), default=-1)
    return winner if longest >= 60 * params.min_overnight_minutes else -1


def night(found: list[Run], day: MobilityDay, params: TraceParams) -> int | None:
    """The place of the night, outside (-1) included; None where too little of it is known."""
    spent = seconds_after(found, day.overnight_s)
    longest = max(spent.values(), default=0)
    if longest < 60 * params.min_overnight_minutes:
        return None
    return min(zone for zone, s in spent.items() if s == longest)


def zones_of_bins(found: list[Run], day: MobilityDay, bin_s: int) -> dict[int, int]:
    """The zone at each bin's midpoint, where it is known and inside."""
    return {
        k: run.zone
        for k in range(day.bins(bin_s))
        for run in found
        if run.holds(k * bin_s + bin_s // 2) and run.zone >= 0
    }


def is_observed(found: list[Run]) -> bool:
    return any(run.zone >= 0 for run in found)


def hours_label(hours: int) -> str:
    for least, label in ((12, "12+"), (6, "6-11"), (3, "3-5"), (1, "1-2")):
        if hours >= least:
            return label
    return "0"
