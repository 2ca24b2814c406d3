"""Zone files: every format and CRS, ids as text, and faults named with file, column and zone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from zone_truth import e7, located, squares, write_zones

from pipelines.errors import ZoneError
from pipelines.schemas.zones import OUTSIDE
from pipelines.zones import load_zones

THREE = squares((127.02, 37.5), (127.0, 37.5), (127.01, 37.5))
COLUMNS = {"code": ["c", "a", "b"], "label": ["씨", "에이", "비"], "gu": ["x", "x", "y"]}


@pytest.mark.parametrize("kind", ["geojson", "json", "gpkg", "shp", "parquet"])
def test_every_format_gives_the_same_zones(tmp_path: Path, kind: str) -> None:
    file = write_zones(tmp_path / f"z.{kind}", THREE, **COLUMNS, people=[3, 1, 2])
    zones = load_zones(file, id="code", name="label", parent="gu", population="people")
    assert zones.ids == ("a", "b", "c")
    assert zones.names == ("에이", "비", "씨")
    assert zones.parents == ("x", "y", "x")
    assert zones.population == (1, 2, 3)
    assert zones.notes == ()
    assert zones.origin == f"z.{kind}"
    assert list(zones.frame.columns) == ["zone", "name", "parent", "population", "geometry"]
    assert zones.frame.crs.to_epsg() == 4326
    lon = e7([127.025, 127.005, 127.015, 127.035])
    assert located(zones.lookup, e7([37.505] * 4), lon).tolist() == [2, 0, 1, OUTSIDE]


def test_equal_files_have_equal_digests_and_moved_borders_do_not(tmp_path: Path) -> None:
    one = load_zones(write_zones(tmp_path / "a.geojson", THREE, **COLUMNS), id="code")
    two = load_zones(write_zones(tmp_path / "b.gpkg", THREE[::-1], code=["b", "a", "c"]), id="code")
    moved = [shapely.box(127.0, 37.5, 127.0100001, 37.51), *THREE[::2]]
    three = load_zones(write_zones(tmp_path / "c.gpkg", moved, code=["a", "c", "b"]), id="code")
    assert one.digest == two.digest
    assert one.digest != three.digest


@pytest.mark.parametrize("crs", [5179, 3857, 32652, 4269])
def test_any_stated_crs_is_converted(tmp_path: Path, crs: int) -> None:
    shapes = gpd.GeoSeries(THREE, crs=4326).to_crs(crs)
    zones = load_zones(write_zones(tmp_path / "z.gpkg", shapes, crs=crs, **COLUMNS), id="code")
    assert zones.notes[0].endswith("to WGS 84.")
    lon = e7([127.025, 127.005, 127.015])
    assert located(zones.lookup, e7([37.505] * 3), lon).tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ([3, 1, 20], ("1", "20", "3")),
        ([3.0, 1.0, 20.0], ("1", "20", "3")),
        (["007", "7", "a'b"], ("007", "7", "a'b")),
        ([2**60, 2**60 + 1, 5], (str(2**60), str(2**60 + 1), "5")),
    ],
)
def test_ids_are_text_sorted_as_text(tmp_path: Path, values: list[Any], ids: tuple[str]) -> None:
    assert load_zones(write_zones(tmp_path / "z.gpkg", THREE, code=values), id="code").ids == ids


def test_missing_names_parents_and_people_stay_unknown(tmp_path: Path) -> None:
    file = write_zones(
        tmp_path / "z.gpkg",
        THREE,
        code=["a", "b", "c"],
        label=["A", None, ""],
        gu=[11.0, None, 12.0],
        people=[5.0, None, 0.0],
    )
    zones = load_zones(file, id="code", name="label", parent="gu", population="people")
    assert zones.names == ("A", "", "")
    assert zones.parents == ("11", "", "12")
    assert zones.population == (5, None, 0)
    assert zones.frame["population"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"code": ["a", "b", "a"]}, r"z\.gpkg: column 'code' repeats 'a'"),
        ({"code": ["a", None, "c"]}, "feature 2 has no id in column 'code'"),
        ({"code": ["a", " ", "c"]}, "feature 2 has no id"),
        ({"code": [1.0, 2.5, 3.0]}, r"column 'code' \(id\) of feature 2 is 2.5"),
        ({"kode": ["a", "b", "c"]}, r"no column 'code' \(id\). Its columns are kode"),
        ({"code": ["a", "b", "c"], "people": [1, -2, 3]}, "column 'people' of zone 'b' is -2"),
        ({"code": ["a", "b", "c"], "people": ["1", "2,000", "3"]}, "zone 'b' is '2,000'"),
        ({"code": ["a", "b", "c"], "people": [1.0, 2.5, 3.0]}, "zone 'b' is 2.5"),
    ],
)
def test_a_wrong_column_is_named_with_its_value(
    tmp_path: Path, columns: dict[str, Any], says: str
) -> None:
    file = write_zones(tmp_path / "z.gpkg", THREE, **columns)
    people = "people" if "people" in columns else None
    with pytest.raises(ZoneError, match=says) as fault:
        load_zones(file, id="code", population=people)
    assert str(file) in str(fault.value)


def test_text_digits_count_as_population(tmp_path: Path) -> None:
    file = write_zones(tmp_path / "z.gpkg", THREE, code=["a", "b", "c"], people=["1", "20", "3"])
    assert load_zones(file, id="code", population="people").population == (1, 20, 3)


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        (None, "zone 'b' has no geometry"),
        (shapely.Polygon(), "zone 'b' has no geometry"),
        (shapely.LineString([(127, 37), (128, 37)]), "zone 'b' is a LineString"),
        (shapely.Polygon([(127, 37), (128, 37), (127, 37)]), "zone 'b' has no area"),
        (shapely.box(953_000, 1_950_000, 954_000, 1_951_000), "zone 'b' reaches beyond"),
        (shapely.box(179, 0, 181, 1), "crosses the antimeridian"),
        (shapely.box(-179, 0, 179, 1), "crosses the antimeridian"),
    ],
)
def test_an_unusable_shape_is_refused_by_its_zone(tmp_path: Path, shape: Any, says: str) -> None:
    file = write_zones(tmp_path / "z.parquet", [THREE[0], shape, THREE[1]], code=["a", "b", "c"])
    with pytest.raises(ZoneError, match=says):
        load_zones(file, id="code")


def test_an_invalid_ring_is_repaired_and_noted(tmp_path: Path) -> None:
    bow = shapely.Polygon([(127.03, 37.5), (127.05, 37.52), (127.05, 37.5), (127.03, 37.52)])
    file = write_zones(tmp_path / "z.gpkg", [*THREE, bow], code=["c", "a", "b", "bow"])
    zones = load_zones(file, id="code")
    assert zones.notes == ("Invalid rings were repaired: zone 'bow'.",)
    assert zones.frame.is_valid.all()
    west, east, between = 127.032, 127.048, 127.04
    lat, lon = e7([37.51, 37.51, 37.501, 37.519]), e7([west, east, between, between])
    bow_at = zones.ids.index("bow")
    assert located(zones.lookup, lat, lon).tolist() == [bow_at, bow_at, OUTSIDE, OUTSIDE]


def test_heights_are_dropped(tmp_path: Path) -> None:
    raised = [shapely.force_3d(shape, 12.0) for shape in THREE]
    zones = load_zones(write_zones(tmp_path / "z.gpkg", raised, **COLUMNS), id="code")
    assert not zones.frame.has_z.any()


def test_a_split_zone_may_meet_both_sides_of_the_antimeridian(tmp_path: Path) -> None:
    fiji = shapely.MultiPolygon(
        [shapely.box(179, -18, 180, -16), shapely.box(-180, -18, -179, -16)]
    )
    zones = load_zones(write_zones(tmp_path / "z.gpkg", [fiji], code=["f"]), id="code")
    lon = e7([179.5, -179.5, 180.0, -180.0, 178.9])
    assert located(zones.lookup, e7([-17.0] * 5), lon).tolist() == [0, 0, 0, 0, OUTSIDE]


def test_a_file_without_crs_says_what_to_write(tmp_path: Path) -> None:
    file = write_zones(tmp_path / "z.shp", THREE, **COLUMNS)
    file.with_suffix(".prj").unlink()
    with pytest.raises(ZoneError, match=r"says no coordinate reference system.*EPSG:4326"):
        load_zones(file, id="code")


def test_files_that_are_no_zones_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "z.csv"
    text.write_text("a\n1\n", encoding="utf-8")
    broken = tmp_path / "z.geojson"
    broken.write_text('{"type": "FeatureCollection", "features": [', encoding="utf-8")
    empty = tmp_path / "e.geojson"
    empty.write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    plain = tmp_path / "plain.parquet"
    pd.DataFrame({"code": ["a"]}).to_parquet(plain)
    faults = {
        tmp_path / "none.geojson": "no such file",
        text: "cannot be read from '.csv'",
        broken: "cannot be read as .geojson",
        empty: "no feature",
        plain: "cannot be read as GeoParquet",
    }
    for file, says in faults.items():
        with pytest.raises(ZoneError, match=says) as fault:
            load_zones(file, id="code")
        assert str(file) in str(fault.value)


def test_several_layers_are_refused_by_name(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(COLUMNS, geometry=THREE, crs=4326)
    for layer in ("dongs", "parks"):
        frame.to_file(tmp_path / "z.gpkg", layer=layer, engine="pyogrio")
    with pytest.raises(ZoneError, match="has the layers dongs, parks"):
        load_zones(tmp_path / "z.gpkg", id="code")


def test_overlaps_go_to_the_first_id_and_are_noted(tmp_path: Path) -> None:
    left, right = shapely.box(127, 37.5, 127.012, 37.51), shapely.box(127.01, 37.5, 127.02, 37.51)
    zones = load_zones(write_zones(tmp_path / "z.gpkg", [right, left], code=["b", "a"]), id="code")
    assert located(zones.lookup, e7([37.505] * 2), e7([127.011, 127.013])).tolist() == [0, 1]
    assert len(zones.notes) == 1
    assert "Overlaps of zones: 1" in zones.notes[0]
    assert "of 'a', 'b'; the first id in published order" in zones.notes[0]
    square_metres = int(zones.notes[0].split(", ")[1].split(" square")[0].replace(",", ""))
    assert square_metres == pytest.approx(176.8 * 1110, rel=0.01)  # 0.002 by 0.01 degrees
    assert not zones.frame.geometry.iloc[0].overlaps(zones.frame.geometry.iloc[1])


def test_enclosed_gaps_are_outside_and_noted(tmp_path: Path) -> None:
    ring = shapely.box(127, 37.5, 127.02, 37.52).difference(
        shapely.box(127.01, 37.51, 127.011, 37.511)
    )
    halves = [ring & shapely.box(127, 37, 127.0105, 38), ring & shapely.box(127.0105, 37, 128, 38)]
    zones = load_zones(write_zones(tmp_path / "z.gpkg", halves, code=["a", "b"]), id="code")
    assert "Enclosed places in no zone: 1, 9,81" in zones.notes[0]
    assert located(zones.lookup, e7([37.5105]), e7([127.0105])).tolist() == [OUTSIDE]


def test_a_zone_under_others_is_refused_by_name(tmp_path: Path) -> None:
    inner = shapely.box(127.004, 37.504, 127.006, 37.506)
    file = write_zones(tmp_path / "z.gpkg", [*THREE, inner], code=["c", "a", "b", "park"])
    with pytest.raises(ZoneError, match=r"left to zones 'park'.*cover them: 'a'"):
        load_zones(file, id="code")


def test_published_shapes_are_those_of_the_lookup(tmp_path: Path) -> None:
    rough = [shapely.box(127 + x / 50, 37.5, 127.0200007 + x / 50, 37.53) for x in range(3)]
    rough = [shapely.segmentize(shape, 0.0011) for shape in rough]
    rough = [
        shapely.transform(shape, lambda c, k=k: c + 2e-6 * np.sin(c * 1e4 * k))
        for k, shape in enumerate(rough, start=1)
    ]
    zones = load_zones(write_zones(tmp_path / "z.gpkg", rough, code=["a", "b", "c"]), id="code")
    shapes = zones.frame.geometry.to_numpy()
    area = shapely.area(shapes).sum()
    assert area == pytest.approx(shapely.area(shapely.union_all(shapes)), rel=1e-12)
    again = load_zones(write_zones(tmp_path / "p.gpkg", shapes, code=zones.ids), id="code")
    assert again.digest == zones.digest
