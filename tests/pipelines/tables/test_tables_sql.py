"""Each table's SQL adds up what the plain reference says one person contributes."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import reference
from harness import SECRET, Bench, by_person_date, calendar, labelled, make_world
from reference import Record, Run
from shapes import SHAPES

from dp.bounding import Rule
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import TableParams
from pipelines.schemas.traces import TraceParams
from pipelines.schemas.world import World
from pipelines.tables import TABLES, sensitive
from pipelines.traces.trips import cosine_ppm

SPRING = make_world(5, calendar(dt.date(2026, 3, 6)))
AUTUMN = make_world(5, calendar(dt.date(2026, 10, 30)))
AMSTERDAM = make_world(5, calendar(dt.date(1937, 6, 30), time_zone="Europe/Amsterdam"))
WORLDS = {"spring": SPRING, "autumn": AUTUMN, "1937": AMSTERDAM}
TRACES = TraceParams()
Cell = tuple[str | int, ...]
Reference = Callable[[World, MobilityDay, list[Run], TableParams], Counter[Cell]]


def panel(world: World, day: MobilityDay, runs: list[Run], _: TableParams) -> Counter[Cell]:
    if not reference.is_observed(runs):
        return Counter()
    zone = reference.overnight(runs, day, TRACES)
    hours = len(reference.zones_of_bins(runs, day, 3600))
    place = world.zones.ids[zone] if zone >= 0 else "unknown"
    return Counter({(place, reference.hours_label(hours)): 1})


def presence(world: World, day: MobilityDay, runs: list[Run], params: Any) -> Counter[Cell]:
    zones = reference.zones_of_bins(runs, day, 60 * params.bin_minutes)
    return Counter({(k, world.zones.ids[zone]): 1 for k, zone in zones.items()})


def visits(world: World, _: MobilityDay, runs: list[Run], __: TableParams) -> Counter[Cell]:
    zones = {stay.zone for stay in reference.stays(runs, TRACES)} - {-1}
    return Counter({(world.zones.ids[zone],): 1 for zone in zones})


def od_flows(world: World, _: MobilityDay, runs: list[Run], __: TableParams) -> Counter[Cell]:
    stays = reference.stays(runs, TRACES)
    ids = world.zones.ids
    trips = reference.trips(stays, TRACES, cosine_ppm(world.zones))
    return Counter((ids[trip.origin], ids[trip.destination]) for trip in trips)


CASES: list[tuple[str, Reference, dict[str, Any]]] = [
    ("panel", panel, {}),
    ("presence", presence, {}),
    ("presence", presence, {"bin_minutes": 10}),
    ("presence", presence, {"bin_minutes": 480}),
    ("presence", presence, {"bin_minutes": 1440}),
    ("visits", visits, {}),
    ("od_flows", od_flows, {}),
]
IDS = [f"{name}{''.join(f'-{v}' for v in options.values())}" for name, _, options in CASES]


@cache
def bench(where: str, shape: str) -> Bench:
    world = WORLDS[where]
    return Bench(SHAPES[shape](world.calendar.dates, 5), world, TRACES)


def contributions(
    world: World, found: list[Record], of: Reference, params: TableParams
) -> dict[int, list[tuple[str, Counter[Cell]]]]:
    """What each person adds, by date."""
    by_date: dict[int, list[tuple[str, Counter[Cell]]]] = {d: [] for d in range(3)}
    for (person, d), own in by_person_date(found).items():
        day = world.calendar.dates[d]
        runs = reference.runs(own, day, TRACES)
        by_date[d].append((person, of(world, day, runs, params)))
    return by_date


@pytest.mark.parametrize(("name", "of", "options"), CASES, ids=IDS)
@pytest.mark.parametrize("where", WORLDS)
def test_statements_contribute_what_the_reference_says(
    name: str, of: Reference, options: dict[str, Any], where: str
) -> None:
    world, table = WORLDS[where], TABLES[name]
    params = table.params(table=name, **options)
    sums = "SELECT d, cell, CAST(SUM(v) AS BIGINT) FROM ({}) AS c GROUP BY d, cell"
    sql = sums.format(sensitive(table, world, params).statement)
    for shape, make in SHAPES.items():
        found = make(world.calendar.dates, 5)
        totals = bench(where, shape).summed(sql)
        for d, people in contributions(world, found, of, params).items():
            keys = table.keys(world, params, world.calendar.dates[d])
            expected = sum((vector for _, vector in people), Counter())
            assert labelled(totals[d], keys) == expected, shape


RULES = [
    ("panel", {}),
    ("presence", {}),
    ("visits", {"cap": 2}),
    ("visits", {"cap": 2, "noise": "laplace"}),
    ("visits", {"cap": 2, "bounding": "sampling"}),
    ("od_flows", {"cap": 3}),
    ("od_flows", {"cap": 3, "noise": "laplace"}),
    ("od_flows", {"cap": 1, "bounding": "sampling"}),
]


@pytest.mark.parametrize(("name", "options"), RULES)
def test_bounded_totals_are_the_sum_of_each_persons_bounded_contributions(
    name: str, options: dict[str, Any]
) -> None:
    table, world = TABLES[name], AUTUMN
    params = table.params(table=name, **options)
    of = {"panel": panel, "presence": presence, "visits": visits, "od_flows": od_flows}[name]
    for shape, make in SHAPES.items():
        found = make(world.calendar.dates, 5)
        totals = bench("autumn", shape).totals(table, params)
        for d, people in contributions(world, found, of, params).items():
            day = world.calendar.dates[d]
            keys, rule = table.keys(world, params, day), table.rule(world, params, day, SECRET)
            expected: Counter[int] = Counter()
            for person, vector in people:
                cells = {_cell(keys.keys, label): v for label, v in vector.items()}
                expected.update(_bounded(rule, cells, name=name, person=person, d=d))
            assert {c: v for c, v in totals[d].items() if v} == expected, shape


def _cell(keys: tuple[Any, ...], label: Cell) -> int:
    cell = 0
    for key, value in zip(keys, label, strict=True):
        cell = cell * len(key) + key.values.index(value)
    return cell


def _bounded(rule: Rule, cells: dict[int, int], **who: Any) -> dict[int, int]:
    from dp.bounding import Sampling

    if isinstance(rule, Sampling):
        return rule.reference(cells, table=who["name"], person=who["person"], d=who["d"])
    return rule.reference(cells)


def test_an_empty_day_has_no_totals() -> None:
    bench = Bench([], SPRING)
    for name, table in TABLES.items():
        assert bench.totals(table, table.params(table=name)) == {}


def test_totals_of_disjoint_persons_add_up() -> None:
    found = [
        r
        for shape in ("hub", "commuter", "checkins")
        for r in SHAPES[shape](AUTUMN.calendar.dates, 5)
    ]
    people = sorted({r.person for r in found})
    for name, table in TABLES.items():
        params = table.params(table=name)
        parts = [
            Bench([r for r in found if (r.person in people[::2]) == half], AUTUMN).totals(
                table, params
            )
            for half in (True, False)
        ]
        whole = Bench(found, AUTUMN).totals(table, params)
        for d in range(3):
            assert Counter(whole[d]) == Counter(parts[0][d]) + Counter(parts[1][d])
