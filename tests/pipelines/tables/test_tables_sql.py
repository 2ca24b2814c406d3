"""Each table's SQL adds up what the plain reference says one person contributes."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import cache
from typing import Any

import pytest
from harness import SECRET, Bench, calendar, labelled, make_world
from reference import Record
from shapes import SHAPES
from table_reference import TRACES, Cell, contributed, params_of

from dp.bounding import Inherent, Rule
from dp.bounding.rule import per_person
from dp.bounds import Bounds
from pipelines.schemas.measured import TableParams
from pipelines.schemas.world import World
from pipelines.tables import TABLES, sensitive

SPRING = make_world(5, calendar(dt.date(2026, 3, 6)))
AUTUMN = make_world(5, calendar(dt.date(2026, 10, 30)))
AMSTERDAM = make_world(5, calendar(dt.date(1937, 6, 30), time_zone="Europe/Amsterdam"))
ONE = make_world(
    5, calendar(dt.date(2026, 11, 1), days=1)
)  # statements of one date hold none apart
WORLDS = {"spring": SPRING, "autumn": AUTUMN, "1937": AMSTERDAM, "one date": ONE}
PARTS = ("04-08", "08-12", "12-02", "02-03", "03-04")
CASES: list[tuple[str, dict[str, Any]]] = [
    ("panel", {}),
    ("presence", {}),
    ("presence", {"bin_minutes": 10}),
    ("presence", {"bin_minutes": 480}),
    ("presence", {"bin_minutes": 1440}),
    ("presence_by_overnight", {}),
    ("presence_by_overnight", {"bin_minutes": 240}),
    ("visits", {}),
    ("visits", {"categories": ("shop", "school")}),
    ("od_flows", {}),
    ("od_flows", {"day_parts": PARTS}),
    ("trips_per_person", {}),
    ("zones_visited", {}),
    ("travel_distance", {}),
    ("travel_distance", {"edges_km": (2, 5)}),
    ("stay_put", {}),
    ("home", {}),
    ("transitions", {}),
    ("transitions", {"oscillation_minutes": 60, "max_gap_minutes": 60, "day_parts": PARTS}),
    ("panel", {"strata": ("age_band",)}),
    ("presence", {"strata": ("sex", "age_band"), "bin_minutes": 240}),
    ("presence_by_overnight", {"strata": ("sex",)}),
    ("visits", {"strata": ("age_band", "sex"), "categories": ("shop", "school")}),
    ("od_flows", {"strata": ("sex",), "day_parts": PARTS}),
    ("stay_put", {"strata": ("sex",)}),
    ("home", {"strata": ("age_band", "sex")}),
]
IDS = [f"{name}{''.join(f'-{v}' for v in options.values())}" for name, options in CASES]


@cache
def bench(where: str, shape: str) -> Bench:
    world = WORLDS[where]
    return Bench(SHAPES[shape](world.calendar.dates, 5), world, TRACES)


def contributions(
    world: World, found: list[Record], params: TableParams
) -> dict[int, list[tuple[str, Counter[Cell]]]]:
    """What each person adds, by date."""
    first = {record.person: record for record in reversed(found)}
    return {
        d: [(person, split(vector, first[person], params)) for person, vector in people]
        for d, people in contributed(world, found, params).items()
    }


def split(vector: Counter[Cell], record: Record, params: TableParams) -> Counter[Cell]:
    """The same vector under the labels of the person's strata."""
    ages, sexes = ("young", "old", "unknown"), ("f", "unknown")
    own = {"age_band": ages[record.stratum // 2], "sex": sexes[record.stratum % 2]}
    added = tuple(own[name] for name in params.strata)
    return Counter({(*label, *added): v for label, v in vector.items()})


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
@pytest.mark.parametrize("where", WORLDS)
def test_statements_contribute_what_the_reference_says(
    name: str, options: dict[str, Any], where: str
) -> None:
    world, table = WORLDS[where], TABLES[name]
    params = params_of(name, **options)
    sums = "SELECT d, cell, CAST(SUM(v) AS BIGINT) FROM ({}) AS c GROUP BY d, cell"
    made = sensitive(table, world, params)
    if made.aggregated:
        sql = Inherent(Bounds(l0=1, l1=1, l2_squared=1, linf=1)).sql(made)
    else:
        sql = sums.format(per_person(made, rule="a rule"))
    for shape, make in SHAPES.items():
        found = make(world.calendar.dates, 5)
        totals = bench(where, shape).summed(sql)
        for d, people in contributions(world, found, params).items():
            keys = table.keys(world, params, world.calendar.dates[d])
            expected = sum((vector for _, vector in people), Counter())
            assert labelled(totals[d], keys) == expected, shape


RULES = [
    ("panel", {}),
    ("presence", {}),
    ("presence_by_overnight", {}),
    ("trips_per_person", {}),
    ("zones_visited", {}),
    ("travel_distance", {}),
    ("stay_put", {}),
    ("home", {}),
    ("presence", {"strata": ("age_band", "sex")}),
    ("od_flows", {"cap": 2, "strata": ("age_band",)}),
    ("transitions", {"cap": 3}),
    ("visits", {"cap": 2, "bounding": "sampling", "strata": ("sex",)}),
    ("visits", {"cap": 2}),
    ("visits", {"cap": 2, "noise": "laplace"}),
    ("visits", {"cap": 2, "bounding": "sampling"}),
    ("visits", {"cap": 3, "categories": ("shop", "school")}),
    ("od_flows", {"cap": 3}),
    ("od_flows", {"cap": 3, "day_parts": PARTS}),
    ("od_flows", {"cap": 3, "noise": "laplace"}),
    ("od_flows", {"cap": 1, "bounding": "sampling"}),
]


@pytest.mark.parametrize(("name", "options"), RULES)
def test_bounded_totals_are_the_sum_of_each_persons_bounded_contributions(
    name: str, options: dict[str, Any]
) -> None:
    table, world = TABLES[name], AUTUMN
    params = params_of(name, **options)
    for shape, make in SHAPES.items():
        found = make(world.calendar.dates, 5)
        totals = bench("autumn", shape).totals(table, params)
        for d, people in contributions(world, found, params).items():
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
