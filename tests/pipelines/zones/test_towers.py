"""Towers to zones: by containing zone, by Voronoi cell, date by date."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import box

from pipelines.errors import ZoneError
from pipelines.schemas.calendar import Calendar
from pipelines.schemas.towers import PARTS, Assign, Towers
from pipelines.zones.towers import TowerTable, load_towers

START = dt.date(2026, 3, 2)
CALENDAR = Calendar(time_zone="Asia/Seoul", day_starts=dt.time(4), start=START, days=4)
# four squares of 0.01 degree in a row on the equator, where a degree is a degree
ZONES: Any = SimpleNamespace(
    frame=gpd.GeoDataFrame(
        geometry=[box(i / 100, 0, (i + 1) / 100, 0.01) for i in range(4)], crs=4326
    )
)
HEAD = "cell,y,x,from,to\n"


def towers(folder: Path, lines: str, assign: Assign, calendar: Calendar = CALENDAR) -> Towers:
    (folder / "t.csv").write_text(HEAD + lines, encoding="utf-8")
    table = TowerTable(
        path=folder / "t.csv", id="cell", lat="y", lon="x", valid_from="from", valid_to="to"
    )
    return load_towers(table, source="sources[0]", assign=assign, zones=ZONES, calendar=calendar)


def shares(made: Towers, date: dt.date = START) -> dict[str, list[tuple[int, float]]]:
    held = [s for s in made.shares if s.first <= date <= s.last]
    return {
        tower: [(s.zone, (s.high - s.low) / PARTS) for s in held if s.tower == tower]
        for tower in sorted({s.tower for s in held})
    }


def test_a_tower_stands_for_the_zone_it_lies_in_and_on_a_border_for_the_first(
    tmp_path: Path,
) -> None:
    made = towers(tmp_path, "a,0.005,0.005,,\nb,0.005,0.02,,\nfar,1,1,,\n", "containing")
    assert shares(made) == {"a": [(0, 1)], "b": [(1, 1)], "far": [(-1, 1)]}
    assert not made.split


def test_a_cell_over_two_zones_is_split_by_area_and_the_larger_part_wins(tmp_path: Path) -> None:
    # cells meet halfway, at x = 0.0125: a has zone 0 and a quarter of zone 1
    lines = "a,0.005,0.005,,\nb,0.005,0.02,,\n"
    made = towers(tmp_path, lines, "voronoi")
    assert [z for z, _ in shares(made)["a"]] == [0, 1]
    assert [p for _, p in shares(made)["a"]] == pytest.approx([0.8, 0.2], abs=1e-4)
    assert [p for _, p in shares(made)["b"]] == pytest.approx(
        [0.75 / 2.75, 1 / 2.75, 1 / 2.75], abs=1e-4
    )
    assert made.split
    assert shares(towers(tmp_path, lines, "voronoi_majority")) == {"a": [(0, 1)], "b": [(2, 1)]}


def test_towers_at_one_place_share_one_cell(tmp_path: Path) -> None:
    lines = "a1,0.005,0.005,,\na2,0.005,0.005,,\nb,0.005,0.02,,\n"
    found = shares(towers(tmp_path, lines, "voronoi"))
    assert found["a1"] == found["a2"]
    assert found["a1"] == shares(towers(tmp_path, lines.partition("\n")[2], "voronoi"))["a2"]


def test_a_tower_outside_keeps_its_part_outside(tmp_path: Path) -> None:
    found = shares(towers(tmp_path, "in,0.005,0.005,,\nout,0.005,0.045,,\n", "voronoi"))
    assert {z for z, _ in found["out"]} == {2, 3, -1}
    assert dict(found["out"])[-1] > 0.2
    assert all(zone >= 0 for zone, _ in found["in"])


def test_shares_fill_the_whole_once(tmp_path: Path) -> None:
    lines = "".join(f"t{i},{0.001 * (i % 9)},{0.0037 * i},,\n" for i in range(14))
    made = towers(tmp_path, lines, "voronoi")
    for tower in {s.tower for s in made.shares}:
        spans = sorted((s.low, s.high) for s in made.shares if s.tower == tower)
        assert spans[0][0] == 0
        assert spans[-1][1] == PARTS
        assert all(a[1] == b[0] for a, b in pairwise(spans))


def test_what_a_date_gets_depends_on_the_lines_of_that_date_alone(tmp_path: Path) -> None:
    lines = "a,0.005,0.005,,\nb,0.005,0.02,2026-03-03,2026-03-04\nb,0.005,0.035,2026-03-05,\n"
    made = towers(tmp_path, lines, "voronoi")
    assert set(shares(made, START)) == {"a"}
    assert shares(made, dt.date(2026, 3, 3)) != shares(made, dt.date(2026, 3, 5))
    for days in range(4):
        one = replace(CALENDAR, start=START + dt.timedelta(days), days=1)
        alone = towers(tmp_path, lines, "voronoi", one)
        assert shares(alone, one.start) == shares(made, one.start)
    assert made.digest != towers(tmp_path, lines, "containing").digest


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("a,0.005,0.005,2026-03-05,\n", "no tower valid on 2026-03-02"),
        ("a,0.005,0.005,,\na,0.005,0.015,2026-03-03,\n", "two lines of tower 'a'"),
        ("a,north,0.005,,\n", "line 2 cannot be read"),
        ("a,0.005,0.005,,\n,0.005,0.005,,\n", "line 3 cannot be read"),
        ("a,0.005,181,,\n", "line 2 cannot be read"),
        ("a,0.005,0.005,2026-03-05,2026-03-04\n", "line 2 cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, lines: str, says: str) -> None:
    with pytest.raises(ZoneError, match=says):
        towers(tmp_path, lines, "containing")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,lat\n", encoding="utf-8")
    table = TowerTable(path=tmp_path / "t.csv", id="id", lat="lat", lon="lon")
    with pytest.raises(ZoneError, match=r"no column 'lon'\. The file has: id, lat"):
        load_towers(table, source="sources[0]", assign="voronoi", zones=ZONES, calendar=CALENDAR)
