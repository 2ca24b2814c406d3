from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

import geopandas as gpd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_desk import values

from pipelines.ingest.places import degrees, e7, possible, zone_places


@given(st.lists(st.floats(-180, 180), min_size=1, max_size=50))
@settings(max_examples=30, deadline=None)
def test_degrees_become_whole_numbers_by_one_rounding(given_degrees: list[float]) -> None:
    expected = [math.floor(value * 1e7 + 0.5) for value in given_degrees]
    assert values(e7("x"), given_degrees, "DOUBLE") == expected


@pytest.mark.parametrize(
    ("lat", "lon", "fine"),
    [
        (37.5, 126.8, True),
        (90, -180, True),
        (0, 126.8, True),
        (37.5, 0, True),
        (0, 0, False),
        (-0.0, 0, False),
        (90.0000001, 0, False),
        (0, 180.0000001, False),
        (math.nan, 126.8, False),
        (37.5, math.inf, False),
        (None, 126.8, False),
        (37.5, None, False),
    ],
)
def test_only_real_places_are_possible(lat: float | None, lon: float | None, fine: bool) -> None:
    sql = "CAST({} AS DOUBLE)"
    texts = [sql.format("NULL" if v is None else f"'{v}'") for v in (lat, lon)]
    assert values(possible(*texts), [None]) == [fine]


def test_numbers_in_text_are_read_strictly() -> None:
    texts = ["37.5", "-0.5e1", "+.5", "12.", "", "37,5", "1_0", "0x10", "nan", "inf", " 1", "1f"]
    expected = [37.5, -5.0, 0.5, 12.0] + [None] * 8
    assert values(degrees("x", text=True), cast("list[Any]", texts)) == expected


def test_zone_ids_come_with_a_point_inside_their_zone() -> None:
    ring = shapely.box(0, 0, 3, 3).difference(shapely.box(1, 1, 2, 2))
    frame = gpd.GeoDataFrame(geometry=[ring, shapely.box(1, 1, 2, 2)], crs="EPSG:4326")
    zones = cast("Any", SimpleNamespace(ids=("a", "b"), frame=frame))
    table = zone_places(zones).to_pylist()
    assert [row["zone"] for row in table] == [0, 1]
    for row, shape in zip(table, frame.geometry, strict=True):
        assert shape.contains(shapely.Point(row["lon_e7"] / 1e7, row["lat_e7"] / 1e7))
