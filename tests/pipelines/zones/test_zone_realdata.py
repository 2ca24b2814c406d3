"""Real boundaries: what the file draws, what is published and what the lookup says agree."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from zone_truth import e7, held, located

from pipelines.schemas.zones import OUTSIDE
from pipelines.zones import load_zones

FILES = {
    "bucheon/bucheon_dong_2018_sgis.geojson": {"id": "code", "name": "name"},
    "bucheon/bucheon_dong_2021.geojson": {"id": "adm_cd", "name": "adm_nm"},
    "gyeonggi/gyeonggi_sigungu_2022.geojson": {"id": "sgg", "population": "POPU_ALL"},
    "foursquare_nyc/community_districts.geojson": {"id": "BoroCD"},
    "ny_commuting/NY_counties_2011.geojson": {"id": "tile_id", "population": "population"},
}
NOTES = {  # what the files are known to hold
    "gyeonggi/gyeonggi_sigungu_2022.geojson": ["Invalid rings were repaired: zone '41273'."],
    "ny_commuting/NY_counties_2011.geojson": ["Coordinates were", "Enclosed", "Overlaps"],
}


@pytest.mark.realdata
@pytest.mark.parametrize("name", FILES)
def test_a_real_file_is_looked_up_as_it_is_drawn(realdata: Path, name: str) -> None:
    columns = FILES[name]
    zones = load_zones(realdata / name, **columns)
    drawn = gpd.read_file(realdata / name).to_crs(4326)
    drawn["code"] = drawn[columns["id"]].astype(str)
    drawn = drawn.sort_values("code")
    assert zones.ids == tuple(drawn["code"])
    starts = NOTES.get(name, [])
    assert len(zones.notes) == len(starts)
    assert all(note.startswith(start) for note, start in zip(zones.notes, starts, strict=True))
    west, south, east, north = drawn.total_bounds
    rng = np.random.default_rng(9)
    lon = e7(rng.uniform(west - 0.01, east + 0.01, 20_000))
    lat = e7(rng.uniform(south - 0.01, north + 0.01, 20_000))
    zone = located(zones.lookup, lat, lon)
    shapes = np.array([shapely.make_valid(shape) for shape in drawn.geometry], dtype=object)
    points = shapely.points(lon / 1e7, lat / 1e7)
    number, point = shapely.STRtree(points).query(shapes, predicate="intersects")
    first = np.full(len(lat), OUTSIDE)
    first[point[::-1]] = number[::-1]  # the lowest number is written last
    edges = shapely.union_all(shapely.boundary(shapes))
    shapely.prepare(edges)
    off = ~shapely.dwithin(edges, points, 3e-7)
    assert off.mean() > 0.99
    np.testing.assert_array_equal(zone[off], first[off])


@pytest.mark.realdata
@pytest.mark.parametrize("name", FILES)
def test_vertices_of_a_real_file_are_in_one_zone(realdata: Path, name: str) -> None:
    zones = load_zones(realdata / name, id=FILES[name]["id"])
    shapes = zones.frame.geometry.to_numpy()
    corners = shapely.get_coordinates(shapes)
    some = np.random.default_rng(4).choice(len(corners), 300, replace=False)
    lon, lat = e7(corners[some, 0]), e7(corners[some, 1])
    np.testing.assert_array_equal(located(zones.lookup, lat, lon), held(shapes, lat, lon))
