"""The equal-area grid: areas, stable ids, and a closed form that agrees with the geometry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from pyproj import Geod
from zone_truth import e7, held, located, write_zones

from pipelines.errors import ZoneError
from pipelines.schemas.zones import OUTSIDE
from pipelines.zones import grid_zones

BOXES = {
    "Seoul": (126.8, 37.4, 127.1, 37.6),
    "Buenos Aires": (-58.53, -34.7, -58.33, -34.53),
    "London, across longitude 0": (-0.12, 51.4, 0.13, 51.55),
    "the equator": (9.3, -0.1, 9.5, 0.1),
    "Tromso": (18.7, 69.55, 19.3, 69.75),
    "Fiji, east of 180": (-180.0, -17.1, -179.8, -16.9),
}


def _boundary(folder: Path, *bounds: tuple[float, float, float, float]) -> Path:
    shapes = [shapely.box(*box) for box in bounds]
    return write_zones(folder / "area.gpkg", shapes, n=list(range(len(shapes))))


@pytest.mark.parametrize("place", BOXES)
@pytest.mark.parametrize("cell_m", [300, 2_000])
def test_cells_have_one_area_and_the_closed_form_finds_them(
    tmp_path: Path, place: str, cell_m: int
) -> None:
    west, south, east, north = BOXES[place]
    zones = grid_zones(_boundary(tmp_path, BOXES[place]), cell_m=cell_m)
    shapes = zones.frame.geometry.to_numpy()
    geod = Geod(ellps="WGS84")
    some = shapes[:: max(1, len(shapes) // 200)]
    areas = np.array(
        [abs(geod.geometry_area_perimeter(shapely.segmentize(s, 1e-3))[0]) for s in some]
    )
    assert np.abs(areas / cell_m**2 - 1).max() < 0.005
    sides = [geod.line_length(*zip(*shapely.get_coordinates(s)[:2], strict=True)) for s in some]
    assert np.abs(np.array(sides) / cell_m - 1).max() < 0.02  # square, not only equal in area
    rng = np.random.default_rng(2)
    lon = e7(rng.uniform(max(-180, west - 0.02), east + 0.02, 3_000))
    lat = e7(rng.uniform(south - 0.02, north + 0.02, 3_000))
    corners = e7(np.concatenate([shapely.get_coordinates(s)[:4] for s in some]))
    lon, lat = np.concatenate([lon, corners[:, 0]]), np.concatenate([lat, corners[:, 1]])
    zone = located(zones.lookup, lat, lon)
    tree = shapely.STRtree(shapes)
    near = np.unique(tree.query(shapely.points(lon / 1e7, lat / 1e7), "intersects")[1])
    truth = held(shapes[near], lat, lon)
    np.testing.assert_array_equal(zone, np.append(near, OUTSIDE)[truth])
    inside = (lon >= e7(west)) & (lon < e7(east)) & (lat >= e7(south)) & (lat < e7(north))
    assert (zone[inside] >= 0).all(), "a point of the boundary lies in no cell"


def test_ids_name_row_and_column_and_sort_as_text(tmp_path: Path) -> None:
    zones = grid_zones(_boundary(tmp_path, BOXES["Seoul"]), cell_m=1_000)
    assert list(zones.ids) == sorted(zones.ids)
    assert len({len(zone) for zone in zones.ids}) == 1
    first = shapely.get_coordinates(zones.frame.geometry.iloc[0])[:, ::-1].min(axis=0)
    row, column = (int(part) for part in zones.ids[0][1:].split("c"))
    assert first[0] == pytest.approx(-90 + row * 1_000 / 111_195.08, abs=1e-4)
    assert first[1] == pytest.approx(-180 + 360 * column / (40_075_017 / 1_000 * 0.7945), abs=0.5)
    assert zones.origin == "grid 1000 m inside area.gpkg"


def test_a_cell_keeps_its_id_and_shape_when_the_boundary_grows(tmp_path: Path) -> None:
    small = grid_zones(_boundary(tmp_path, (126.9, 37.45, 127.0, 37.5)), cell_m=500)
    (tmp_path / "more").mkdir()
    large = grid_zones(
        _boundary(tmp_path / "more", BOXES["Seoul"], (128, 35, 128.1, 35.1)), cell_m=500
    )
    shape = dict(zip(large.ids, large.frame.geometry, strict=True))
    assert set(small.ids) < set(large.ids)
    assert all(
        shape[zone].equals(own) for zone, own in zip(small.ids, small.frame.geometry, strict=True)
    )


def test_a_hollow_boundary_uses_the_table_of_slots(tmp_path: Path) -> None:
    hollow = shapely.box(126.8, 37.4, 127.1, 37.6) - shapely.box(126.85, 37.45, 127.05, 37.55)
    zones = grid_zones(write_zones(tmp_path / "a.gpkg", [hollow], n=[1]), cell_m=700)
    assert "zone_slots" in zones.lookup.relations
    rng = np.random.default_rng(3)
    lon, lat = e7(rng.uniform(126.78, 127.12, 5_000)), e7(rng.uniform(37.38, 37.62, 5_000))
    zone = located(zones.lookup, lat, lon)
    assert (zone == OUTSIDE).mean() > 0.3
    np.testing.assert_array_equal(zone, held(zones.frame.geometry.to_numpy(), lat, lon))


def test_a_box_needs_no_table_of_slots(tmp_path: Path) -> None:
    zones = grid_zones(_boundary(tmp_path, BOXES["Seoul"]), cell_m=700)
    assert set(zones.lookup.relations) == {"zone_rows"}


def test_cells_that_only_touch_the_boundary_are_left_out(tmp_path: Path) -> None:
    whole = grid_zones(_boundary(tmp_path, BOXES["Seoul"]), cell_m=1_000)
    one = whole.frame[whole.frame["zone"] == whole.ids[40]]
    alone = grid_zones(write_zones(tmp_path / "one.gpkg", one.geometry, n=[1]), cell_m=1_000)
    assert alone.ids == (whole.ids[40],)


def test_points_without_a_place_or_far_away_are_outside(tmp_path: Path) -> None:
    zones = grid_zones(_boundary(tmp_path, BOXES["Fiji, east of 180"]), cell_m=500)
    lat = [None, -170_000_000, None, 0, -900_000_000, 2**31 - 1, -(2**31), -170_000_000]
    lon = [None, None, -1_799_000_000, 0, 0, 2**31 - 1, -(2**31), 1_799_999_999]
    assert located(zones.lookup, lat, lon).tolist() == [OUTSIDE] * len(lat)


def test_longitude_180_is_in_the_cell_of_minus_180(tmp_path: Path) -> None:
    zones = grid_zones(_boundary(tmp_path, BOXES["Fiji, east of 180"]), cell_m=500)
    pair = located(zones.lookup, e7([-17.0, -17.0]), e7([180.0, -180.0]))
    assert pair[0] == pair[1] != OUTSIDE


@pytest.mark.parametrize(
    ("bounds", "cell_m", "says"),
    [
        ((126.8, 37.4, 127.1, 37.6), 9, "cell_m must be 10 to 100000 metres, got 9"),
        ((126.8, 37.4, 127.1, 37.6), 100_001, "got 100001"),
        ((0, 89.6, 10, 89.99), 5_000, "too near a pole for square cells of 5000 m"),
        ((120, 30, 140, 45), 100, "more than 2,000,000 cells of 100 m"),
        ((-179, 10, 179, 20), 5_000, "feature 1.*crosses the antimeridian"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(
    tmp_path: Path, bounds: tuple[float, float, float, float], cell_m: int, says: str
) -> None:
    with pytest.raises(ZoneError, match=says):
        grid_zones(_boundary(tmp_path, bounds), cell_m=cell_m)
