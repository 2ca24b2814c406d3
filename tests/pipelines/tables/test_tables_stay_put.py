"""Stay put: the fixed grid of about 600 m, and who stayed."""

from __future__ import annotations

import hashlib
import itertools
import math
from dataclasses import replace

import duckdb
import pyarrow as pa
import pytest
from harness import Bench, labelled, make_world, spot
from reference import Record
from table_reference import grid_cell

from pipelines.tables import TABLES
from pipelines.tables._cells import band_widths, corners_sql

WORLD = make_world(3)
TABLE = TABLES["stay_put"]
PARAMS = TABLE.params(table="stay_put")
HOUR = 3600
ROW = 54_000
SOUTH = (375_000_000 + 900_000_000) // ROW * ROW - 900_000_000
EARTH = list(
    itertools.product((-90, -89.3, -60, -0.0001, 0, 37.5, 51.5, 89.9, 90), range(-180, 181, 9))
)


def classes(*records: Record) -> dict[str, int]:
    totals = Bench(records, WORLD).totals(TABLE, PARAMS)[0]
    cells = labelled(totals, TABLE.keys(WORLD, PARAMS, WORLD.calendar.dates[0]))
    return {str(label): v for (_, label), v in cells.items()}


def at(hour: int, zone: int = 0, **moved: int) -> Record:
    place = spot(zone)
    return Record(
        hour * HOUR,
        zone,
        hour * HOUR,
        lat_e7=SOUTH + moved.get("north", 0),
        lon_e7=place["lon_e7"],
    )


def test_eight_hours_in_one_cell_are_stayed_and_seven_unobserved() -> None:
    assert classes(*[at(h) for h in range(0, 9, 2)]) == {"stayed": 1}
    assert classes(*[at(h) for h in range(8)]) == {"unobserved": 1}


def test_one_record_a_cell_further_is_left_and_inside_the_cell_is_not() -> None:
    day = [at(h) for h in range(0, 13, 2)]
    assert classes(*day, at(5, north=ROW - 1)) == {"stayed": 1}
    assert classes(*day, at(5, north=ROW)) == {"left": 1}
    assert classes(*day, at(5, north=-1)) == {"left": 1}


def test_who_moves_but_is_seen_too_little_is_unobserved_and_not_left() -> None:
    assert classes(at(1), at(2), at(3, 1)) == {"unobserved": 1}


def test_the_place_is_not_the_publishing_zone() -> None:
    inside = [replace(at(h), lon_e7=at(h).lon_e7 - 40_000 + 8_000 * h) for h in range(12)]
    assert {record.zone for record in inside} == {0}
    assert classes(*inside) == {"left": 1}
    border = [replace(at(h), zone=h % 2) for h in range(12)]
    assert classes(*border) == {"stayed": 1}


def test_a_record_outside_the_zones_counts_as_a_position() -> None:
    assert classes(*[at(h) for h in range(12)], at(13, -1)) == {"left": 1}


def cells_of(places: list[tuple[int, int]]) -> list[int]:
    with duckdb.connect() as con:
        lat, lon = (pa.array(column, pa.int32()) for column in zip(*places, strict=True))
        order = pa.array(range(len(places)), pa.int32())
        con.register(
            "places", pa.table({"d": order, "person": order, "lat_e7": lat, "lon_e7": lon})
        )
        found = con.execute(f"{corners_sql('places')} ORDER BY d").fetchall()
    assert all(low == high for _, _, low, high in found), "a place alone is in one cell"
    return [low for _, _, low, _ in found]


def together(*places: tuple[int, int]) -> bool:
    """Whether one person's records at these places are all in one cell."""
    with duckdb.connect() as con:
        lat, lon = (pa.array(column, pa.int32()) for column in zip(*places, strict=True))
        one = pa.array([0] * len(places), pa.int32())
        con.register("places", pa.table({"d": one, "person": one, "lat_e7": lat, "lon_e7": lon}))
        ((_, _, low, high),) = con.execute(corners_sql("places")).fetchall()
    return bool(low == high)


def test_cells_are_those_of_the_description_all_over_the_earth() -> None:
    places = [(round(lat * 1e7), round(lon * 1e7)) for lat, lon in EARTH]
    found = cells_of(places)
    assert len(found) == len(places), "every place has a cell, the poles too"
    assert [divmod(cell, 2**17) for cell in found] == [grid_cell(*place) for place in places]


@pytest.mark.parametrize("lat", [-70, -33, 0, 1.3, 37.5, 51.5, 60, 70])
def test_a_cell_is_about_600_m_wide_and_high(lat: float) -> None:
    width = band_widths()[(round(lat * 1e7) + 900_000_000) // 10_800_000]
    east_m = width / 1e7 * 111_195 * math.cos(math.radians(lat))
    assert 600 < ROW / 1e7 * 111_195 < 601
    assert east_m == pytest.approx(600, rel=0.03)


@pytest.mark.parametrize("lat", [-90, -60, -0.0001, 37.5, 89.9])
def test_two_places_are_in_one_cell_where_their_cells_are_the_same(lat: float) -> None:
    """Neighbours on either side of every line, at the edges of bands too."""
    row = (round(lat * 1e7) + 900_000_000) // ROW * ROW - 900_000_000
    for north, lon in itertools.product((-1, 0, ROW - 1, ROW), (-180, 126.97, 180)):
        here = (max(row, -900_000_000), round(lon * 1e7))
        for east in (-60_000, -1, 0, 1, 60_000):
            there = (
                min(max(row + north, -900_000_000), 900_000_000),
                min(max(here[1] + east, -1_800_000_000), 1_800_000_000),
            )
            assert together(here, there) == (grid_cell(*here) == grid_cell(*there))


def test_the_180th_meridian_is_one_line() -> None:
    west, east, near = cells_of([(0, -1_800_000_000), (0, 1_800_000_000), (0, 1_799_999_999)])
    assert west == east != near


def test_the_grid_never_changes() -> None:
    text = ",".join(map(str, band_widths()))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "9d93fac8da26b30d"
