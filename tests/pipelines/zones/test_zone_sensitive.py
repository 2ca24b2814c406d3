"""Sensitive zones merge into the neighbour with the longest shared border."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import shapely
from zone_truth import e7, located, write_zones

from pipelines.errors import ZoneError
from pipelines.schemas.zones import OUTSIDE, ZoneSet
from pipelines.zones import grid_zones, h3_zones, load_zones

#   a a a b        clinic c has 2 sides to a and 1 to b and d each
#   a c c b        far is an island, nearer to d than to anything else
#   d d d d   far
A = shapely.box(0, 1, 1, 3) | shapely.box(0, 2, 3, 3)
B = shapely.box(3, 1, 4, 3)
C = shapely.box(1, 1, 3, 2)
D = shapely.box(0, 0, 4, 1)
FAR = shapely.box(6, 0, 7, 0.5)


def _zones(folder: Path, sensitive: list[str], shapes: dict[str, Any], **columns: Any) -> ZoneSet:
    placed = [shapely.transform(s, lambda c: c * 0.01 + (127, 37.5)) for s in shapes.values()]
    file = write_zones(folder / "z.gpkg", placed, code=list(shapes), **columns)
    names = {key: key for key in ("name", "parent", "population") if key in columns}
    return load_zones(file, id="code", sensitive=_csv(folder, sensitive), **names)


def _csv(folder: Path, zones: list[str], header: str = "zone") -> Path:
    path = folder / "sensitive.csv"
    path.write_text("\n".join([header, *zones]) + "\n", encoding="utf-8-sig")
    return path


def _beside(cell: str, step: int) -> str:
    row, column = cell.split("c")
    return f"{row}c{int(column) + step}"


def _at(zones: ZoneSet, x: float, y: float) -> str:
    found = located(zones.lookup, e7([37.5 + y * 0.01]), e7([127 + x * 0.01]))[0]
    return "" if found == OUTSIDE else zones.ids[found]


def test_a_zone_joins_the_neighbour_with_the_longest_shared_border(tmp_path: Path) -> None:
    zones = _zones(
        tmp_path,
        ["c"],
        {"c": C, "a": A, "b": B, "d": D},
        name=["clinic", "A", "B", "D"],
        parent=["p", "q", "q", "q"],
        population=[7, 100, 200, 300],
    )
    assert zones.ids == ("a", "b", "d")
    assert zones.names == ("A", "B", "D")
    assert zones.parents == ("q", "q", "q")
    assert zones.population == (107, 200, 300)  # a shares a side of 2 and one of 1
    assert _at(zones, 2, 1.5) == "a"
    assert _at(zones, 3.5, 1.5) == "b"
    assert zones.frame.geometry.iloc[0].geom_type == "Polygon"
    assert len(zones.notes) == 1
    assert zones.notes[0].startswith("1 zone was merged by the public list")
    assert "'c'" not in zones.notes[0]
    assert "clinic" not in zones.frame.to_json()


def test_lengths_are_metres_not_degrees(tmp_path: Path) -> None:
    """At 60 north a degree of longitude is half as long as one of latitude."""
    home, east, north = (
        shapely.box(10, 60, 10.15, 60.1),
        shapely.box(10.15, 60, 10.3, 60.1),
        shapely.box(10, 60.1, 10.15, 60.2),
    )
    file = write_zones(tmp_path / "z.gpkg", [home, east, north], code=["home", "east", "north"])
    zones = load_zones(file, id="code", sensitive=_csv(tmp_path, ["home"]))
    found = located(zones.lookup, e7([60.05]), e7([10.05]))[0]
    assert zones.ids[found] == "east"


def test_equal_borders_go_to_the_first_id(tmp_path: Path) -> None:
    middle = {
        "m": shapely.box(1, 0, 2, 1),
        "y": shapely.box(0, 0, 1, 1),
        "x": shapely.box(2, 0, 3, 1),
    }
    zones = _zones(tmp_path, ["m"], middle)
    assert _at(zones, 1.5, 0.5) == "x"


def test_unknown_residents_make_the_sum_unknown(tmp_path: Path) -> None:
    shapes = {"c": C, "a": A, "b": B, "d": D}
    zones = _zones(tmp_path, ["c"], shapes, population=[None, 100.0, 200.0, 300.0])
    assert zones.population == (None, 200, 300)


def test_a_zone_among_sensitive_ones_waits_for_them(tmp_path: Path) -> None:
    row = {name: shapely.box(at, 0, at + 1, 1) for at, name in enumerate("abcde")}
    zones = _zones(tmp_path, ["b", "c", "d"], row, population=[1, 2, 4, 8, 16])
    assert zones.ids == ("a", "e")
    assert [_at(zones, x + 0.5, 0.5) for x in range(5)] == ["a", "a", "a", "e", "e"]
    assert zones.population == (7, 24)


def test_an_island_joins_the_nearest_zone_that_stays(tmp_path: Path) -> None:
    zones = _zones(tmp_path, ["far", "c"], {"a": A, "b": B, "c": C, "d": D, "far": FAR})
    assert zones.ids == ("a", "b", "d")
    assert _at(zones, 6.5, 0.3) == "d"
    assert zones.frame.geometry.iloc[2].geom_type == "MultiPolygon"
    assert zones.notes[-1].startswith("2 zones were merged")


def test_faults_of_the_list_are_named(tmp_path: Path) -> None:
    shapes = {"a": A, "b": B, "c": C, "d": D}
    file = write_zones(tmp_path / "z.gpkg", list(shapes.values()), code=list(shapes))
    for zones, header, says in [
        (["c", "nowhere"], "zone", "no such zone as 'nowhere'"),
        (["a", "b", "c", "d"], "zone", "lists every zone"),
        (["c"], "id", "no column 'zone'"),
    ]:
        with pytest.raises(ZoneError, match=says) as fault:
            load_zones(file, id="code", sensitive=_csv(tmp_path, zones, header=header))
        assert "sensitive.csv" in str(fault.value)
    with pytest.raises(ZoneError, match=r"none.csv: cannot be read as a CSV"):
        load_zones(file, id="code", sensitive=tmp_path / "none.csv")


def test_an_empty_list_changes_nothing(tmp_path: Path) -> None:
    zones = _zones(tmp_path, [], {"a": A, "b": B})
    assert zones.ids == ("a", "b")
    assert zones.notes == ()


def test_grid_cells_merge_and_both_places_have_one_number(tmp_path: Path) -> None:
    area = write_zones(tmp_path / "area.gpkg", [shapely.box(126.9, 37.5, 127.0, 37.55)], n=[1])
    whole = grid_zones(area, cell_m=1_000)
    wide = [zone for zone in whole.ids if _beside(zone, -1) in whole.ids]
    clinic = next(zone for zone in wide if _beside(zone, 1) in whole.ids)
    zones = grid_zones(area, cell_m=1_000, sensitive=_csv(tmp_path, [clinic]))
    assert set(whole.ids) - set(zones.ids) == {clinic}
    middle = whole.frame.set_index("zone").geometry.representative_point()
    lat, lon = e7(middle.y), e7(middle.x)
    names = dict(zip(middle.index, located(zones.lookup, lat, lon).tolist(), strict=True))
    into = zones.ids[names[clinic]]
    assert into == _beside(clinic, -1)  # both sides are equal, the parts above and below shorter
    assert all(zones.ids[at] == zone for zone, at in names.items() if zone != clinic)
    merged = zones.frame.set_index("zone").geometry[into]
    both = whole.frame.set_index("zone").geometry[[into, clinic]].union_all()
    assert merged.equals(both)
    assert zones.notes[0].startswith("1 zone was merged")


def test_h3_cells_merge(tmp_path: Path) -> None:
    pytest.importorskip("h3")
    area = write_zones(tmp_path / "area.gpkg", [shapely.box(126.9, 37.5, 127.0, 37.55)], n=[1])
    whole = h3_zones(area, resolution=8)
    clinic = whole.ids[len(whole) // 2]
    zones = h3_zones(area, resolution=8, sensitive=_csv(tmp_path, [clinic]))
    assert set(whole.ids) - set(zones.ids) == {clinic}
    shape = whole.frame.set_index("zone").geometry
    place = shape[clinic].representative_point()
    into = zones.ids[located(zones.lookup, e7([place.y]), e7([place.x]))[0]]
    assert shape[into].distance(shape[clinic]) < 1e-9
    merged = zones.frame.set_index("zone").geometry[into]
    assert merged.geom_type == "Polygon"
    assert merged.area == pytest.approx(shape[into].area + shape[clinic].area, rel=1e-9)
