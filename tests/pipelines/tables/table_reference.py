"""What one person adds to each table on one date, in plain Python, by published labels."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import reference
from reference import Record, Run, Trip

from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.traces import TraceParams
from pipelines.schemas.world import World
from pipelines.tables import TABLES
from pipelines.traces.trips import cosine_ppm

TRACES = TraceParams()
Cell = tuple[str | int, ...]


@dataclass(frozen=True)
class Seen:
    """One person on one date, and the parameters of a table."""

    world: World
    day: MobilityDay
    records: list[Record]
    params: Any

    @cached_property
    def runs(self) -> list[Run]:
        return reference.runs(self.records, self.day, TRACES)

    @cached_property
    def stays(self) -> list[Run]:
        return reference.stays(self.runs, TRACES)

    @cached_property
    def trips(self) -> list[Trip]:
        return reference.trips(self.stays, TRACES, cosine_ppm(self.world.zones))

    @property
    def hours(self) -> int:
        return len(reference.zones_of_bins(self.runs, self.day, 3600))

    @property
    def overnight(self) -> str:
        zone = reference.overnight(self.runs, self.day, TRACES)
        return self.zone(zone) if zone >= 0 else "unknown"

    def zone(self, number: int) -> str:
        return self.world.zones.ids[number]

    def part(self, t: int) -> tuple[str, ...]:
        """The day part on whose hours the local clock stands, read off the clock itself."""
        clock = dt.datetime.fromtimestamp(self.day.start_s + t, self.world.calendar.zone)
        for part in self.params.day_parts:
            start, end = (int(hour) for hour in part.split("-"))
            if clock.hour in range(start, end if end > start else end + 24) or (
                end <= start and clock.hour < end
            ):
                return (part,)
        return ()

    def once(self, label: str) -> Counter[Cell]:
        """One cell of an overnight table, for who is in the panel."""
        observed = reference.is_observed(self.runs)
        return Counter({(self.overnight, label): 1}) if observed else Counter()


Reference = Callable[[Seen], Counter[Cell]]


def panel(seen: Seen) -> Counter[Cell]:
    return seen.once(reference.hours_label(seen.hours))


def presence(seen: Seen) -> Counter[Cell]:
    zones = reference.zones_of_bins(seen.runs, seen.day, 60 * seen.params.bin_minutes)
    return Counter({(k, seen.zone(zone)): 1 for k, zone in zones.items()})


def presence_by_overnight(seen: Seen) -> Counter[Cell]:
    return Counter({(k, seen.overnight, zone): 1 for k, zone in presence(seen)})


def visits(seen: Seen) -> Counter[Cell]:
    inside = [stay for stay in seen.stays if stay.zone >= 0]
    if not seen.params.categories:
        return Counter({(seen.zone(zone),): 1 for zone in {stay.zone for stay in inside}})
    names = (*seen.params.categories, "other")
    pairs = {(stay.zone, code) for stay in inside for code in stay.categories or {len(names) - 1}}
    return Counter({(seen.zone(zone), names[code]): 1 for zone, code in pairs})


def od_flows(seen: Seen) -> Counter[Cell]:
    return Counter(
        (*seen.part(t.t_depart), seen.zone(t.origin), seen.zone(t.destination)) for t in seen.trips
    )


def transitions(seen: Seen) -> Counter[Cell]:
    gap, swing = (60 * m for m in (seen.params.max_gap_minutes, seen.params.oscillation_minutes))
    return Counter(
        (*seen.part(t), seen.zone(origin), seen.zone(destination))
        for origin, destination, t in reference.transitions(seen.runs, gap, swing)
    )


def trips_per_person(seen: Seen) -> Counter[Cell]:
    made = len(seen.trips)
    return seen.once(str(made) if made < 15 else "15+")


def zones_visited(seen: Seen) -> Counter[Cell]:
    seen_in = len({stay.zone for stay in seen.stays} - {-1})
    return seen.once(str(seen_in) if seen_in < 10 else "10+")


def travel_distance(seen: Seen) -> Counter[Cell]:
    metres = sum(trip.distance_m for trip in seen.trips)
    edges = seen.params.edges_km
    if metres == 0:
        return seen.once("0")
    if metres < 1000 * edges[0]:
        return seen.once(f"<{edges[0]}")
    for low, high in pairwise(edges):
        if 1000 * low <= metres < 1000 * high:
            return seen.once(f"{low}-{high}")
    return seen.once(f"{edges[-1]}+")


def stay_put(seen: Seen) -> Counter[Cell]:
    if seen.hours < 8:
        return seen.once("unobserved")
    cells = {grid_cell(r.lat_e7, r.lon_e7) for r in seen.records}
    return seen.once("stayed" if len(cells) == 1 else "left")


def grid_cell(lat_e7: int, lon_e7: int) -> tuple[int, int]:
    """The row and column of the public grid, from its description alone."""
    row = (lat_e7 + 900_000_000) // 54_000
    south = row // 200 * 1.08 - 90
    cosine = round(math.cos(math.radians((south + min(south + 1.08, 90)) / 2)), 6)
    columns = max(1, math.floor(round(cosine * 3_600_000_000) / 54_000))
    width = math.ceil(3_600_000_000 / columns)
    return row, (lon_e7 + 1_800_000_000) % 3_600_000_000 // width


def home(people: list[Seen], min_nights: int) -> Counter[Cell]:
    """One person on all dates: most of the observed nights, the first zone on a tie."""
    if not any(reference.is_observed(seen.runs) for seen in people):
        return Counter()
    slept = [reference.night(seen.runs, seen.day, TRACES) for seen in people]
    nights = Counter(place for place in slept if place is not None)
    if nights.total() >= min_nights:
        lived = min(place for place, n in nights.items() if n == max(nights.values()))
        if lived >= 0:
            return Counter({(people[0].zone(lived),): 1})
    return Counter({("unknown",): 1})


def contributed(
    world: World, found: list[Record], params: Any
) -> dict[int, list[tuple[str, Counter[Cell]]]]:
    """What each person adds, by date; a table over all dates stands on the last."""
    days, persons = world.calendar.dates, sorted({record.person for record in found})
    seen: dict[str, dict[int, Seen]] = {
        person: {
            day.index: Seen(world, day, own, params)
            for day in days
            if (own := [r for r in found if r.person == person and r.d == day.index])
        }
        for person in persons
    }
    by_date: dict[int, list[tuple[str, Counter[Cell]]]] = {day.index: [] for day in days}
    for person, dates in seen.items():
        if params.table == "home":
            lived = home(list(dates.values()), params.min_nights)
            by_date[days[-1].index].append((person, lived))
            continue
        for d, one in dates.items():
            by_date[d].append((person, REFERENCES[params.table](one)))
    return by_date


def params_of(name: str, **options: Any) -> Any:
    """A table's parameters; a home by two nights, so that worlds of three dates have some."""
    made = TABLES[name].params(table=name, **options)
    return made.model_copy(update={"min_nights": 2}) if name == "home" else made


REFERENCES: dict[str, Reference] = {
    of.__name__: of
    for of in (
        panel,
        presence,
        presence_by_overnight,
        visits,
        od_flows,
        transitions,
        trips_per_person,
        zones_visited,
        travel_distance,
        stay_put,
    )
}
