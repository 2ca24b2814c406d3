"""Declarations: keys, bounds, parameters and the registry."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from harness import SECRET, Bench, calendar, labelled, make_world
from pydantic import ValidationError
from shapes import SHAPES

from dp.bounding import Inherent, Sampling, Weighting
from dp.bounds import Bounds
from dp.errors import BoundError
from dp.tables import Sensitive
from pipelines.errors import SpecError, ZoneError
from pipelines.schemas.measured import Measured
from pipelines.schemas.relations import RELATIONS
from pipelines.tables import TABLES, discover, sensitive

WORLD = make_world(5, calendar(dt.date(2026, 10, 30)))
DAY, LONG_DAY, _ = WORLD.calendar.dates


def rule(name: str, *, secret: bytes | None = SECRET, **options: Any) -> Any:
    table = TABLES[name]
    return table.rule(WORLD, table.params(table=name, **options), DAY, secret)


def test_the_folder_is_the_list_of_tables() -> None:
    assert list(TABLES) == [
        "home",
        "od_flows",
        "panel",
        "presence",
        "presence_by_overnight",
        "stay_put",
        "transitions",
        "travel_distance",
        "trips_per_person",
        "visits",
        "zones_visited",
    ]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_every_table_is_declared_in_full(table: Measured) -> None:
    params = table.params(table=table.name)
    keys = table.keys(WORLD, params, DAY)
    assert set(keys.names) <= set(table.columns)
    assert table.needs <= set(RELATIONS)
    for text in (table.summary, table.counts, table.source, *table.columns.values()):
        assert text
    made = sensitive(table, WORLD, params)
    assert (made.table, made.aggregated) == (table.name, table.aggregated)


def test_keys_follow_zones_and_dates() -> None:
    ids = WORLD.zones.ids

    def keys(name: str, day: Any = DAY, **options: Any) -> Any:
        return TABLES[name].keys(WORLD, TABLES[name].params(table=name, **options), day)

    assert keys("visits").keys[0].values == ids
    assert keys("panel").keys[0].values == (*ids, "unknown")
    assert keys("panel").size == 30
    assert keys("presence").size == 24 * 5
    assert keys("presence", LONG_DAY).size == 25 * 5
    assert keys("presence", LONG_DAY, bin_minutes=30).size == 50 * 5
    assert keys("presence_by_overnight", LONG_DAY).size == 25 * 6 * 5
    assert keys("trips_per_person").keys[1].values[::5] == ("0", "5", "10", "15+")
    assert keys("zones_visited").keys[1].values[-2:] == ("9", "10+")
    assert keys("stay_put").keys[1].values == ("stayed", "left", "unobserved")
    assert keys("travel_distance", edges_km=(2, 5)).keys[1].values == ("0", "<2", "2-5", "5+")
    flows = keys("od_flows")
    assert flows.size == 25
    assert flows.measured.sum() == 20


def test_bounds_follow_the_number_of_bins_of_each_date() -> None:
    table = TABLES["presence"]
    params = table.params(table="presence")
    bounds = [table.rule(WORLD, params, day, None).bounds for day in WORLD.calendar.dates]
    assert [b.l2_squared for b in bounds] == [24, 25, 24]
    assert [(b.l0, b.l1, b.linf) for b in bounds] == [(24, 24, 1), (25, 25, 1), (24, 24, 1)]
    overnight = TABLES["presence_by_overnight"]
    assert overnight.rule(WORLD, params, LONG_DAY, None).bounds == bounds[1]
    for name in (
        "panel",
        "trips_per_person",
        "zones_visited",
        "travel_distance",
        "stay_put",
        "home",
    ):
        assert rule(name).bounds == Bounds(l0=1, l1=1, l2_squared=1, linf=1)


def test_categories_and_day_parts_multiply_the_keys_and_stay_out_of_a_spec_without_them() -> None:
    visits, flows = TABLES["visits"].params, TABLES["od_flows"].params
    by_place = visits(table="visits", categories=("shop", "school"))
    keys = TABLES["visits"].keys(WORLD, by_place, DAY)
    assert keys.names == ("zone", "category")
    assert keys.keys[1].values == ("shop", "school", "other")
    by_part = flows(table="od_flows", day_parts=("04-16", "16-04"))
    keys = TABLES["od_flows"].keys(WORLD, by_part, DAY)
    assert keys.names == ("day_part", "origin", "destination")
    assert keys.measured.sum() == 2 * 20
    # What was booked before these options existed keeps its key.
    assert set(visits(table="visits").model_dump()) == {
        *("table", "share", "noise", "cap", "bounding")
    }
    assert set(flows(table="od_flows").model_dump()) == set(visits(table="visits").model_dump())
    assert "categories" in by_place.model_dump()


def test_day_parts_start_with_the_date() -> None:
    table = TABLES["od_flows"]
    params = table.params(table="od_flows", day_parts=("05-16", "16-05"))
    with pytest.raises(SpecError, match=r"day_parts start at 05:00, but dates start at 04:00"):
        table.keys(WORLD, params, DAY)


@pytest.mark.parametrize("name", ["visits", "od_flows"])
def test_options_only_split_what_the_plain_table_counts(name: str) -> None:
    options: dict[str, Any] = {
        "visits": {"categories": ("shop", "school")},
        "od_flows": {"day_parts": ("04-10", "10-16", "16-04")},
    }[name]
    plain, split = ({"table": name, "cap": 1000}, {"table": name, "cap": 1000, **options})
    found = [r for s in ("hub", "commuter", "gaps") for r in SHAPES[s](WORLD.calendar.dates, 5)]
    sums = []
    for chosen in (plain, split):
        params = TABLES[name].params(**chosen)
        totals = Bench(found, WORLD).totals(TABLES[name], params)[0]
        by_zone: Counter[Any] = Counter()
        for label, total in labelled(totals, TABLES[name].keys(WORLD, params, DAY)).items():
            by_zone[tuple(part for part in label if str(part).startswith("z"))] += total
        sums.append(by_zone)
    assert sums[0] == sums[1] != Counter()


def test_one_statement_serves_all_dates() -> None:
    for name, table in TABLES.items():
        for bounding in ({}, {"bounding": "sampling"}):
            if bounding and "cap" not in table.params.model_fields:
                continue
            params = table.params(table=name, **bounding)
            made = sensitive(table, WORLD, params)
            days = WORLD.calendar.dates
            assert len({table.rule(WORLD, params, d, SECRET).sql(made) for d in days}) == 1


def test_the_rule_follows_bounding_and_noise() -> None:
    assert isinstance(rule("panel"), Inherent)
    assert rule("visits") == Weighting(cap=8)
    assert rule("od_flows") == Weighting(cap=4)
    assert rule("visits", noise="laplace") == Weighting(cap=8, norm=1)
    assert rule("visits", bounding="sampling") == Sampling(8, SECRET)


def test_sampling_can_be_planned_without_its_secret_but_not_run() -> None:
    planned = rule("visits", bounding="sampling", cap=3, secret=None)
    assert planned.bounds == Sampling(3, SECRET).bounds
    assert planned.factor == Sampling(3, SECRET).factor
    with pytest.raises(BoundError, match="visits: sampling needs the ledger's secret"):
        planned.sql(Sensitive(table="visits", statement="SELECT 1"))
    with pytest.raises(BoundError, match="sampling needs the ledger's secret"):
        planned.reference({1: 1})


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("presence", {"bin_minutes": 7}),
        ("presence", {"bin_minutes": 0}),
        ("presence", {"cap": 3}),
        ("visits", {"cap": 0}),
        ("visits", {"cap": 1001}),
        ("visits", {"bounding": "clipping"}),
        ("od_flows", {"cap": 2.5}),
        ("travel_distance", {"edges_km": ()}),
        ("travel_distance", {"edges_km": (3, 3)}),
        ("travel_distance", {"edges_km": (0, 3)}),
        ("od_flows", {"day_parts": ("04-10", "11-04")}),
        ("od_flows", {"day_parts": ("04-10", "10-16")}),
        ("od_flows", {"day_parts": ("04-10", "10-06", "06-04")}),
        ("od_flows", {"day_parts": ("4-10", "10-4")}),
        ("visits", {"categories": ("shop", "shop")}),
        ("visits", {"categories": ("other",)}),
        ("visits", {"categories": ("",)}),
        ("panel", {"share": "0"}),
        ("panel", {"noise": "uniform"}),
    ],
)
def test_parameters_out_of_range_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TABLES[name].params(table=name, **options)


def test_every_bin_length_divides_a_day() -> None:
    for minutes in (10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440):
        assert 1440 % minutes == 0
        assert TABLES["presence"].params(table="presence", bin_minutes=minutes).bin_s % 60 == 0


def test_flows_need_two_zones() -> None:
    lone = make_world(1)
    table = TABLES["od_flows"]
    with pytest.raises(ZoneError, match="od_flows needs two zones or more"):
        table.keys(lone, table.params(table="od_flows"), DAY)


def folder(path: Path, patch: pytest.MonkeyPatch, **modules: str) -> tuple[str, list[str]]:
    package = f"tables_of_{path.name}"
    (path / package).mkdir()
    for name, text in {"__init__": "", **modules}.items():
        (path / package / f"{name}.py").write_text(text, encoding="utf-8")
    patch.syspath_prepend(str(path))
    return package, [str(path / package)]


def test_a_new_table_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "from pipelines.tables.visits import TABLE"
    found = discover(*folder(tmp_path, monkeypatch, anything=module, _helper="raise RuntimeError"))
    assert list(found) == ["visits"]


def test_a_module_without_a_table_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, paths = folder(tmp_path, monkeypatch, forgotten="TABEL = 1")
    with pytest.raises(TypeError, match=rf"{package}\.forgotten must declare TABLE"):
        discover(package, paths)


def test_two_modules_of_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "from pipelines.tables.visits import TABLE"
    with pytest.raises(ValueError, match=r"second declares 'visits'"):
        discover(*folder(tmp_path, monkeypatch, first=module, second=module))
