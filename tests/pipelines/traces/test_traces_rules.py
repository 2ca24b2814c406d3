"""The rules of positions.md, one sentence each."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from harness import NEEDS, Bench, make_world, spot, zone_set
from hypothesis import given
from hypothesis import strategies as st
from reference import Record, fix
from shapes import SHAPES

from pipelines.schemas.relations import PROVIDED, RELATIONS
from pipelines.schemas.traces import TraceParams
from pipelines.traces import trace_statements
from pipelines.traces.trips import cosine_ppm, reach_e7

MIN, HOUR = 60, 3600
WORLD = make_world(4)
NIGHT = 16 * HOUR


def at(t: int, zone: int, until: int | None = None, *, declared: bool = False) -> Record:
    return Record(t, zone, t if until is None else until, **spot(zone), declared=declared)


def runs(*records: Record, **params: int) -> list[tuple[int, int, int]]:
    rows = Bench(records, WORLD, TraceParams(**params)).rows(
        "SELECT t_start, t_end, zone FROM runs"
    )
    return [(a, b, z) for a, b, z in rows]


def relation(name: str, *records: Record, **params: int) -> list[tuple[Any, ...]]:
    return Bench(records, WORLD, TraceParams(**params)).relation(name)["p", 0]


def test_a_gap_in_one_zone_is_bridged_up_to_the_limit() -> None:
    assert runs(at(0, 1), at(2 * HOUR, 1)) == [(0, 2 * HOUR, 1)]


def test_a_longer_gap_in_one_zone_is_held_at_both_ends_and_unknown_between() -> None:
    assert runs(at(0, 1), at(5 * HOUR, 1)) == [(0, HOUR, 1), (4 * HOUR, 5 * HOUR, 1)]


def test_a_gap_with_its_midpoint_overnight_has_its_own_limit() -> None:
    before, after = NIGHT - 2 * HOUR, NIGHT + 2 * HOUR
    assert runs(at(before, 1), at(after, 1)) == [(before, after, 1)]
    assert len(runs(at(before - 2, 1), at(after, 1))) == 2
    assert len(runs(at(NIGHT, 1), at(NIGHT + 8 * HOUR - 1, 1))) == 1


def test_a_gap_between_two_zones_splits_at_its_midpoint() -> None:
    assert runs(at(0, 1), at(HOUR + 1, 2)) == [(0, HOUR // 2, 1), (HOUR // 2, HOUR + 1, 2)]


def test_a_long_gap_between_two_zones_is_unknown_in_the_middle() -> None:
    assert runs(at(0, 1), at(4 * HOUR, 2)) == [(0, HOUR, 1), (3 * HOUR, 4 * HOUR, 2)]


def test_nothing_is_held_before_the_first_and_after_the_last_record() -> None:
    assert runs(at(9 * HOUR, 1)) == [(9 * HOUR, 9 * HOUR, 1)]
    assert relation("people", at(9 * HOUR, 1)) == [(-1, 0)]
    assert relation("stays", at(9 * HOUR, 1)) == []


def test_who_leaves_the_zones_is_not_bridged_back_into_them() -> None:
    assert runs(at(0, 1), at(HOUR, -1), at(2 * HOUR, 1)) == [
        (0, HOUR // 2, 1),
        (HOUR // 2, 3 * HOUR // 2, -1),
        (3 * HOUR // 2, 2 * HOUR, 1),
    ]


def test_a_visit_is_cut_where_another_zone_begins() -> None:
    assert runs(at(0, 1, 9 * HOUR), at(HOUR, 2, 2 * HOUR)) == [(0, HOUR, 1), (HOUR, 2 * HOUR, 2)]


def test_a_visit_inside_a_visit_to_the_same_zone_changes_nothing() -> None:
    long = at(0, 1, 9 * HOUR)
    assert runs(long, at(HOUR, 1, 2 * HOUR), at(3 * HOUR, 1)) == runs(long) == [(0, 9 * HOUR, 1)]


def test_a_gap_is_measured_from_the_latest_end_so_far() -> None:
    day = (at(0, 1, 9 * HOUR), at(HOUR, 1, HOUR), at(10 * HOUR, 1))
    assert runs(*day) == [(0, 10 * HOUR, 1)]


def test_a_run_is_a_stay_from_the_minimal_dwell_on() -> None:
    day = (at(0, 1, 20 * MIN), at(20 * MIN, 2, 40 * MIN - 1), at(40 * MIN - 1, 3, 2 * HOUR))
    assert [zone for zone, *_ in relation("stays", *day)] == [1, 3]


def test_a_check_in_is_a_stay_and_a_short_visit_with_an_end_is_none() -> None:
    assert len(relation("stays", at(9 * HOUR, 1, declared=True))) == 1
    assert relation("stays", at(9 * HOUR, 1, 9 * HOUR + 19 * MIN, declared=True)) == []
    assert len(relation("stays", at(9 * HOUR, 1, 9 * HOUR + 20 * MIN, declared=True))) == 1


def test_a_trip_leaves_at_the_end_of_the_stay_and_arrives_with_the_next() -> None:
    day = (at(0, 0, HOUR), at(2 * HOUR, 2, 3 * HOUR))
    assert relation("trips", *day) == [(0, 2, 3 * HOUR // 2, 3 * HOUR // 2, 1764)]


def test_a_zone_passed_through_makes_no_trip_of_its_own() -> None:
    day = (at(0, 0, HOUR), at(HOUR + 5 * MIN, 1, HOUR + 9 * MIN), at(HOUR + 14 * MIN, 2, 9 * HOUR))
    assert [(o, d) for o, d, *_ in relation("trips", *day)] == [(0, 2)]


def test_a_stay_outside_breaks_a_trip_in_two_and_both_are_dropped() -> None:
    day = (at(0, 0, HOUR), at(2 * HOUR, -1, 3 * HOUR), at(4 * HOUR, 2, 5 * HOUR))
    assert relation("trips", *day) == []
    assert len(relation("trips", day[0], day[2])) == 1


def test_two_stays_in_one_zone_make_no_trip() -> None:
    assert relation("trips", at(0, 0, HOUR), at(9 * HOUR, 0, 10 * HOUR)) == []


def test_stays_nearer_than_the_minimal_distance_make_no_trip() -> None:
    near = replace(at(2 * HOUR, 1, 3 * HOUR), **spot(0, east_m=400))
    far = replace(near, **spot(0, east_m=600))
    assert relation("trips", at(0, 0, HOUR), near) == []
    assert len(relation("trips", at(0, 0, HOUR), far)) == 1
    assert len(relation("trips", at(0, 0, HOUR), near, min_trip_m=300)) == 1


def test_the_overnight_zone_is_the_longest_and_the_smaller_number_on_a_tie() -> None:
    tie = (at(NIGHT, 2, NIGHT + 3 * HOUR), at(NIGHT + 3 * HOUR, 1, NIGHT + 6 * HOUR))
    assert relation("people", *tie) == [(1, 6)]
    longer = (*tie, at(NIGHT + 6 * HOUR, 2, NIGHT + 7 * HOUR))
    assert relation("people", *longer) == [(2, 7)]


def test_the_overnight_zone_needs_two_known_hours_in_that_zone() -> None:
    halves = (at(NIGHT, 2, NIGHT + 2 * HOUR - 1), at(NIGHT + 3 * HOUR, 1, NIGHT + 4 * HOUR))
    assert relation("people", *halves, move_gap_minutes=0) == [(-1, 3)]
    assert relation("people", *halves, move_gap_minutes=1) == [(2, 3)]


def test_who_slept_outside_has_no_overnight_zone() -> None:
    away = (at(NIGHT, 1, NIGHT + 3 * HOUR), at(NIGHT + 3 * HOUR, -1, NIGHT + 7 * HOUR))
    assert relation("people", *away) == [(-1, 3)]


def test_who_is_never_inside_is_not_in_the_panel() -> None:
    assert relation("people", at(NIGHT, -1, NIGHT + 7 * HOUR)) == []


def test_time_before_the_evening_does_not_count_as_overnight() -> None:
    day = (at(0, 3, NIGHT + HOUR), at(NIGHT + HOUR, 1, NIGHT + 4 * HOUR))
    assert relation("people", *day)[0][0] == 1


@pytest.mark.parametrize("name", SHAPES)
def test_repeated_and_reordered_records_change_nothing(name: str) -> None:
    found = SHAPES[name](WORLD.calendar.dates, 4)
    more = found + found[::2] + found[::3]
    random.Random(7).shuffle(more)
    first, second = (Bench(records, WORLD) for records in (found, more))
    for relation_name in ("runs", "stays", "trips", "people"):
        assert first.relation(relation_name) == second.relation(relation_name)


def shuffled(_: str, sql: str) -> str:
    return f"SELECT * FROM ({sql}) AS s ORDER BY MD5(CAST(s AS VARCHAR))"


@pytest.mark.parametrize("name", ["checkins", "ties", "hub", "spans"])
def test_no_relation_depends_on_the_order_in_which_another_is_stored(name: str) -> None:
    found = SHAPES[name](WORLD.calendar.dates, 4)
    plain, mixed = Bench(found, WORLD), Bench(found, WORLD, edit=shuffled)
    for relation_name in ("runs", "stays", "trips", "people"):
        assert plain.relation(relation_name) == mixed.relation(relation_name)


@pytest.mark.parametrize("name", SHAPES)
def test_runs_of_a_person_never_overlap_and_stay_inside_the_date(name: str) -> None:
    found = SHAPES[name](WORLD.calendar.dates, 4)
    for (_, d), rows in Bench(found, WORLD).relation("runs").items():
        spans = sorted((start, end) for _, start, _, _, end, *_ in rows)
        assert all(start <= end for start, end in spans)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
        assert spans[0][0] >= 0
        assert spans[-1][1] <= WORLD.calendar.dates[d].length_s


LATITUDES = st.floats(-70, 70)


@given(lat=LATITUDES, north=st.integers(-3000, 3000), east=st.integers(-3000, 3000))
def test_distance_is_that_of_the_sphere_within_half_a_percent(
    lat: float, north: int, east: int
) -> None:
    zones = zone_set(2, lat=lat)
    a = (round(lat * 1e7), 1_270_000_000)
    b = (a[0] + north * 90, a[1] + round(east * 90 / math.cos(math.radians(lat))))
    metres = _haversine_m(*a, *b)
    squared = (b[0] - a[0]) ** 2 + ((b[1] - a[1]) * cosine_ppm(zones) // 1_000_000) ** 2
    assert math.sqrt(squared) / reach_e7(1000) * 1000 == pytest.approx(metres, rel=5e-3, abs=0.2)


def _haversine_m(lat1: int, lon1: int, lat2: int, lon2: int) -> float:
    p1, l1, p2, l2 = (math.radians(v / 1e7) for v in (lat1, lon1, lat2, lon2))
    h = math.sin((p2 - p1) / 2) ** 2
    h += math.cos(p1) * math.cos(p2) * math.sin((l2 - l1) / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(h))


def test_the_minimal_distance_itself_is_far_enough() -> None:
    here = Record(0, 0, HOUR, lat_e7=370_000_000, lon_e7=0)
    there = Record(2 * HOUR, 1, 3 * HOUR, lat_e7=370_000_000 + reach_e7(500), lon_e7=0)
    assert len(relation("trips", here, there)) == 1
    assert relation("trips", here, replace(there, lat_e7=there.lat_e7 - 1)) == []


def test_a_trip_across_the_180th_meridian_is_short() -> None:
    west = Record(0, 0, HOUR, lat_e7=0, lon_e7=1_799_990_000)
    east = Record(2 * HOUR, 1, 3 * HOUR, lat_e7=0, lon_e7=-1_799_990_000)
    assert relation("trips", west, east) == []
    assert len(relation("trips", west, east, min_trip_m=100)) == 1


@pytest.mark.parametrize("declared", [True, False])
def test_relations_have_the_documented_columns(declared: bool) -> None:
    bench = Bench([fix(0, 0, lat_e7=0, lon_e7=0)], WORLD, declared=declared)
    for name in set(RELATIONS) - PROVIDED:
        rows = bench.con.execute(f"DESCRIBE {name}").fetchall()
        types = {column: kind for column, kind, *_ in rows}
        assert list(types) == list(RELATIONS[name])
        for column, meaning in RELATIONS[name].items():
            if column != "person":
                assert types[column] == meaning.split(":")[0]


def test_only_what_is_needed_is_made_and_in_the_order_of_need() -> None:
    def names(*needs: str) -> list[str]:
        made = trace_statements(WORLD, TraceParams(), needs=frozenset(needs), declared=False)
        return [name for name, _ in made]

    assert names("points", "days") == []
    assert names("runs") == ["runs"]
    assert names("people") == ["runs", "people"]
    assert names("trips") == ["runs", "stays", "spots", "trips"]
    assert names(*NEEDS) == ["runs", "stays", "spots", "trips", "people", "nights"]
    with pytest.raises(KeyError, match="homes"):
        names("homes")


def test_places_are_looked_at_for_trips_alone() -> None:
    made = dict(trace_statements(WORLD, TraceParams(), needs=NEEDS, declared=True))
    assert {name for name, sql in made.items() if "lat_e7" in sql} == {"spots", "trips"}
