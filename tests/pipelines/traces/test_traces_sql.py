"""The SQL of traces says what the plain reference says, on random days and on bad shapes."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import duckdb
import pytest
import reference
from harness import Bench, by_person_date, calendar, day_of, make_world
from hypothesis import given, settings
from reference import Record
from shapes import FIXES_ONLY, SHAPES
from strategies import parameters, records

from pipelines.schemas.calendar import Calendar
from pipelines.schemas.traces import TraceParams
from pipelines.tables import TABLES
from pipelines.traces import moments
from pipelines.traces.trips import cosine_ppm

SPRING = calendar(dt.date(2026, 3, 6))  # 24, 23 and 24 hours
# 24 hours but 28 seconds: 23 bins, and the midpoint of a 24th that does not exist
AMSTERDAM = calendar(dt.date(1937, 6, 30), time_zone="Europe/Amsterdam")
AUTUMN = calendar(dt.date(2026, 10, 30))  # 24, 25 and 24 hours
ONE = calendar(dt.date(2026, 11, 1), days=1)  # 25 hours; statements of one date hold none apart
ZONES = 5


def check_all(
    found: list[Record], params: TraceParams, *, declared: bool, cal: Calendar = AUTUMN
) -> None:
    world = make_world(ZONES, cal)
    bench = Bench(found, world, params, declared=declared)
    names = ("runs", "stays", "spots", "trips", "people", "nights")
    by_name = {name: bench.relation(name) for name in names}
    cosine = cosine_ppm(world.zones)
    people = by_person_date(found)
    for key, own in people.items():
        day = day_of(world, key[1])
        runs = reference.runs(own, day, params)
        stays = reference.stays(runs, params)
        trips = reference.trips(stays, params, cosine)
        hours = len(reference.zones_of_bins(runs, day, 3600))
        assert by_name["runs"][key] == sorted(
            (r.zone, r.t_start, r.t_first, r.t_last, r.t_end, r.t_seen, r.declared, *beside)
            for r, beside in zip(runs, reference.neighbours(runs, own), strict=True)
        )
        assert by_name["stays"][key] == sorted(
            (r.zone, r.t_start, r.t_end, r.t_first, r.t_seen) for r in stays
        )
        moved = len({r.zone for r in stays}) > 1
        assert by_name["spots"][key] == sorted(
            (r.zone, r.t_start, r.t_end, r.t_first, r.lat_e7, r.lon_e7) for r in stays if moved
        )
        assert by_name["trips"][key] == sorted(
            (t.origin, t.destination, t.t_depart, t.t_arrive, t.distance_m) for t in trips
        )
        one = [(reference.overnight(runs, day, params), hours)]
        slept = reference.night(runs, day, params)
        assert by_name["nights"][key] == ([] if slept is None else [(slept,)])
        assert by_name["people"][key] == (one if reference.is_observed(runs) else [])
    for name, relation in by_name.items():
        assert {key for key, rows in relation.items() if rows} <= set(people), name


@settings(max_examples=40, deadline=None)
@given(found=records(spans=True), params=parameters())
def test_spans_and_fixes_give_what_the_reference_gives(
    found: list[Record], params: TraceParams
) -> None:
    check_all(found, params, declared=True)


@settings(max_examples=40, deadline=None)
@given(found=records(spans=False), params=parameters())
def test_fixes_alone_give_what_the_reference_gives(
    found: list[Record], params: TraceParams
) -> None:
    check_all(found, params, declared=False)


@pytest.mark.parametrize(
    "cal", [SPRING, AUTUMN, AMSTERDAM, ONE], ids=["spring", "autumn", "1937", "one date"]
)
@pytest.mark.parametrize("name", SHAPES)
def test_bad_shapes_give_what_the_reference_gives(name: str, cal: Calendar) -> None:
    check_all(SHAPES[name](cal.dates, ZONES), TraceParams(), declared=True, cal=cal)


@pytest.mark.parametrize("name", FIXES_ONLY)
def test_fixes_give_the_same_with_and_without_ends(name: str) -> None:
    found = SHAPES[name](SPRING.dates, ZONES)
    world = make_world(ZONES, SPRING)
    with_ends, without = (Bench(found, world, declared=said) for said in (True, False))
    for relation in ("runs", "stays", "spots", "trips", "people"):
        assert with_ends.relation(relation) == without.relation(relation)


@settings(max_examples=40, deadline=None)
@given(found=records(spans=False), params=parameters())
def test_runs_of_fixes_are_the_definition_read_instant_by_instant(
    found: list[Record], params: TraceParams
) -> None:
    world = make_world(ZONES, AUTUMN)
    runs = Bench(found, world, params, declared=False).relation("runs")
    for key, own in by_person_date(found).items():
        day = day_of(world, key[1])
        spans = [(start, end, zone) for zone, start, _, _, end, *_ in runs[key]]
        edges = {e for start, end, _ in spans for e in (start, end)} | {r.t for r in own}
        instants = {i for e in edges for i in (e - 1, e, e + 1)}
        for instant in instants | {(a + b) // 2 for a in edges for b in edges}:
            said = [zone for start, end, zone in spans if start <= instant < end]
            known = reference.zone_at(instant, own, day, params)
            assert said == ([] if known is None else [known])


@settings(max_examples=30, deadline=None)
@given(found=records(spans=True), params=parameters())
def test_one_date_alone_gives_what_the_reference_gives(
    found: list[Record], params: TraceParams
) -> None:
    first = [record for record in found if record.d == 0]
    check_all(first, params, declared=True, cal=ONE)
    fixes = [replace(record, t2=record.t, declared=False) for record in first]
    check_all(fixes, params, declared=False, cal=ONE)


@pytest.mark.parametrize("cal", [ONE, AUTUMN], ids=["one date", "three dates"])
@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize("name", SHAPES)
def test_moments_of_32_and_of_64_bits_give_the_same(
    name: str, declared: bool, cal: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, world = SHAPES[name](cal.dates, ZONES), make_world(ZONES, cal)
    narrow = Bench(found, world, declared=declared)
    monkeypatch.setattr(moments, "_FEW_BITS", 1)
    wide = Bench(found, world, declared=declared)
    for relation in ("runs", "spots", "trips"):
        assert wide.relation(relation) == narrow.relation(relation)
    params = TABLES["transitions"].params(table="transitions")
    assert wide.totals(TABLES["transitions"], params) == narrow.totals(
        TABLES["transitions"], params
    )


def test_the_last_second_of_the_longest_date_fits_with_the_most_zones() -> None:
    for zones in (2**14 - 2, 2**14 - 1, moments.MOST_ZONES):
        width = moments.Moments.of(zones)
        at = width.at("t", "zone")
        con = duckdb.connect()
        con.execute(
            f"CREATE TABLE m AS SELECT {at} AS m FROM (VALUES (90000, {zones - 1})) AS v(t, zone)"
        )
        sql = f"SELECT {width.second('m')}, {width.zone('m')}, {width.zone(width.none)} FROM m"
        second, zone, nobody = con.execute(sql).fetchone() or ()
        con.close()
        assert (second, zone) == (90_000, zones - 1)
        assert nobody >= zones
