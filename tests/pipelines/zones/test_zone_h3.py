"""H3 zones: the zone of a point is H3's own cell."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import shapely
from zone_truth import e7, located, write_zones

from pipelines.errors import ZoneError
from pipelines.schemas.zones import OUTSIDE
from pipelines.zones import h3_zones

h3 = pytest.importorskip("h3")

SEOUL = shapely.box(126.95, 37.5, 127.05, 37.57)


@pytest.fixture(scope="module")
def area(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_zones(tmp_path_factory.mktemp("h3") / "area.gpkg", [SEOUL], n=[1])


def test_a_point_is_in_the_cell_that_h3_says(area: Path) -> None:
    zones = h3_zones(area, resolution=8)
    assert zones.origin == "H3 resolution 8 inside area.gpkg"
    assert list(zones.ids) == sorted(zones.ids)
    rng = np.random.default_rng(1)
    lon, lat = e7(rng.uniform(126.9, 127.1, 4_000)), e7(rng.uniform(37.45, 37.6, 4_000))
    zone = located(zones.lookup, lat, lon)
    number = {cell: at for at, cell in enumerate(zones.ids)}
    cells = [h3.latlng_to_cell(a / 1e7, o / 1e7, 8) for a, o in zip(lat, lon, strict=True)]
    assert zone.tolist() == [number.get(cell, OUTSIDE) for cell in cells]
    assert 0.1 < (zone == OUTSIDE).mean() < 0.9


def test_cells_cover_the_boundary_and_each_meets_it(area: Path) -> None:
    zones = h3_zones(area, resolution=9)
    shapes = zones.frame.geometry.to_numpy()
    assert shapely.union_all(shapes).buffer(1e-9).covers(SEOUL)
    assert shapely.intersects(shapes, SEOUL).all()
    assert zones.frame.is_valid.all()


def test_points_without_a_place_are_outside(area: Path) -> None:
    zones = h3_zones(area, resolution=7)
    lat, lon = [None, 375_300_000, None, 375_300_000], [None, None, 1_270_000_000, 1_270_000_000]
    zone = located(zones.lookup, lat, lon)
    assert zone[:3].tolist() == [OUTSIDE] * 3
    assert zone[3] >= 0


def test_the_function_takes_chunked_arrays(area: Path) -> None:
    zones = h3_zones(area, resolution=7)
    (find,) = zones.lookup.functions.values()
    lat = pa.chunked_array([[375_300_000], [None]], type=pa.int32())
    lon = pa.chunked_array([[1_270_000_000], [5]], type=pa.int32())
    found = find(lat, lon)
    assert found.type == pa.int32()
    assert found.to_pylist()[0] >= 0
    assert found.to_pylist()[1] == OUTSIDE


def test_without_h3_the_error_says_what_to_install(
    area: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h3.api.numpy_int", None)
    with pytest.raises(ZoneError, match=r"pip install 'murmuration-mobility\[h3\]'"):
        h3_zones(area, resolution=8)


def test_h3_zones_that_cannot_be_are_refused(tmp_path: Path, area: Path) -> None:
    with pytest.raises(ZoneError, match="resolution must be 0 to 15, got 16"):
        h3_zones(area, resolution=16)
    with pytest.raises(ZoneError, match=r"more than 2,000,000 H3 cells of resolution 14"):
        h3_zones(area, resolution=14)
    edge = write_zones(tmp_path / "e.gpkg", [shapely.box(179.9, -17, 180, -16.9)], n=[1])
    with pytest.raises(ZoneError, match="crosses the antimeridian"):
        h3_zones(edge, resolution=6)
