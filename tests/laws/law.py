"""The laws: how far one person may move each bounded table, and which records a date may read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from harness import SECRET, Bench
from reference import Record
from table_reference import params_of

from dp.audits.distance import norms, sparse_difference
from dp.bounds import Bounds
from pipelines.release.levels import PlannedLevel, levels_of
from pipelines.schemas.world import World
from pipelines.tables import TABLES

Totals = dict[int, dict[int, int]]
Edit = Callable[[str, str], str]
TABLE_CHOICES: dict[str, tuple[str, dict[str, Any]]] = {
    "panel": ("panel", {}),
    "presence": ("presence", {}),
    "presence-480": ("presence", {"bin_minutes": 480}),
    "presence_by_overnight": ("presence_by_overnight", {}),
    "trips_per_person": ("trips_per_person", {}),
    "zones_visited": ("zones_visited", {}),
    "travel_distance": ("travel_distance", {}),
    "stay_put": ("stay_put", {}),
    "home": ("home", {}),
    "home-strata": ("home", {"strata": ("sex",)}),
    "visits": ("visits", {"cap": 2}),
    "visits-laplace": ("visits", {"cap": 2, "noise": "laplace"}),
    "visits-sampling": ("visits", {"cap": 2, "bounding": "sampling"}),
    "visits-categories": ("visits", {"cap": 3, "categories": ("shop", "school")}),
    "od_flows": ("od_flows", {"cap": 3}),
    "od_flows-parts": ("od_flows", {"cap": 3, "day_parts": ("04-10", "10-16", "16-04")}),
    "transitions": ("transitions", {"cap": 3, "oscillation_minutes": 0}),
    "panel-strata": ("panel", {"strata": ("age_band", "sex")}),
    "presence-strata": ("presence", {"strata": ("sex", "age_band")}),
    "visits-strata": ("visits", {"cap": 2, "strata": ("age_band",)}),
    "od_flows-strata": ("od_flows", {"cap": 3, "noise": "laplace", "strata": ("sex",)}),
    "od_flows-laplace": ("od_flows", {"cap": 3, "noise": "laplace"}),
    "od_flows-sampling": ("od_flows", {"cap": 3, "bounding": "sampling"}),
    "presence_by_overnight-levels": ("presence_by_overnight", {"levels": True}),
    "visits-levels": ("visits", {"cap": 2, "levels": True}),
    "visits-sampling-levels": ("visits", {"cap": 2, "bounding": "sampling", "levels": True}),
    "od_flows-levels": (
        "od_flows",
        {"cap": 3, "levels": True, "level_caps": {"parent": 4, "city": 4}, "strata": ("sex",)},
    ),
}


class Case:
    """One table under one choice of parameters in one world, at one of its levels."""

    def __init__(self, choice: str, world: World, level: int = 0) -> None:
        self.level = level
        name, options = TABLE_CHOICES[choice]
        self.table = TABLES[name]
        self.params = params_of(name, **options)
        self.world = world

    def bounds(self, d: int) -> Bounds:
        day = self.world.calendar.dates[d]
        return self.table.rule(self.world, self.params, day, None).coarser(self.level)

    def totals(self, bench: Bench) -> Totals:
        kept: dict[str, Totals] = bench.__dict__.setdefault("kept", {})
        name = repr((self.table.name, self.params))
        if name not in kept:
            kept[name] = bench.totals(self.table, self.params)
        return self.lifted(kept[name])

    def lifted(self, totals: Totals) -> Totals:
        """The totals of the case's level: sums of those of the cells."""
        if self.level == 0:
            return totals
        found: Totals = {}
        for d, cells in totals.items():
            lift = self.levels(d)[self.level].lift
            assert lift is not None
            found[d] = {}
            for cell, total in cells.items():
                up = lift.cell(cell)
                found[d][up] = found[d].get(up, 0) + total
        return found

    def levels(self, d: int = 0) -> tuple[PlannedLevel, ...]:
        """The levels of the table on a date, its own cells first."""
        keys = self.table.keys(self.world, self.params, self.world.calendar.dates[d])
        return levels_of(self.params, keys, world=self.world)

    def planted(self, sql: str) -> Callable[[Bench], Totals]:
        return lambda bench: bench.summed(sql)

    def rule_sql(self) -> str:
        from pipelines.tables import sensitive

        day = self.world.calendar.dates[0]
        made = sensitive(self.table, self.world, self.params)
        return self.table.rule(self.world, self.params, day, SECRET).sql(made)


def cases_of(world: World) -> dict[str, Case]:
    """Every choice at every level that it has in a world: "visits-levels", "visits-levels@city"."""
    found = {}
    for choice in TABLE_CHOICES:
        for level in Case(choice, world).levels():
            name = f"{choice}@{level.name}" if level.number else choice
            found[name] = Case(choice, world, level.number)
    return found


def moved(whole: dict[int, int], without: dict[int, int]) -> Bounds | None:
    """How far totals moved, as the four norms; None where they did not."""
    return norms(sparse_difference(whole, without).values())


def removals(found: list[Record]) -> list[list[Record]]:
    """The records without each person in turn; of a crowd, without a few and the last."""
    people = sorted({record.person for record in found})
    people = people[: -1 : 1 + len(people) // 8] + people[-1:]
    return [[record for record in found if record.person != person] for person in people]


def changes(
    found: list[Record],
    world: World,
    of: dict[str, Callable[[Bench], Totals]],
    edit: Edit = lambda _, sql: sql,
) -> list[tuple[str, int, Bounds]]:
    """Every change that the removal of one person makes: (what, date, change)."""
    bench = Bench(found, world, edit=edit)
    whole = {name: totals(bench) for name, totals in of.items()}
    made = []
    for fewer in removals(found):
        bench = Bench(fewer, world, edit=edit)
        for name, totals in of.items():
            without = totals(bench)
            for d in range(len(world.calendar.dates)):
                change = moved(whole[name].get(d, {}), without.get(d, {}))
                made += [(name, d, change)] if change else []
    return made


def as_bytes(totals: dict[int, int]) -> bytes:
    return json.dumps(sorted(totals.items())).encode()
