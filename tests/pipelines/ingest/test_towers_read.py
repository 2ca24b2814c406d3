"""Network events at towers, through the real engine: zones by tower, lots, prefixes, dates."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import box

from pipelines.engines.contract import Job
from pipelines.engines.duckdb.engine import DuckDBEngine
from pipelines.ingest.source import Drop, Source
from pipelines.progress import Silent
from pipelines.schemas.calendar import Calendar
from pipelines.schemas.towers import Assign
from pipelines.schemas.traces import TraceParams
from pipelines.schemas.world import World
from pipelines.tables import TABLES, sensitive
from pipelines.zones import load_zones
from pipelines.zones.towers import TowerTable, load_towers

CALENDAR = Calendar(
    time_zone="Asia/Seoul", day_starts=dt.time(4), start=dt.date(2026, 3, 2), days=2
)
SECRET = bytes(range(32))
TOWERS = """cell,y,x,from,to
west,37.005,127.005,,
mid,37.005,127.02,,2026-03-02
mid,37.005,127.03,2026-03-03,
roof,37.005,127.039,,
"""
HOUR = 3600
Row = tuple[str, int, str, str]


def zone_at(person: str, tower: str, date: int, made: World) -> int:
    """The zone of a person's records at a tower, from the description of lots."""
    text = f"{SECRET.hex()}|tower|{person}|{tower}"
    lot = int(hashlib.sha256(text.encode()).hexdigest()[:4], 16)
    day = CALENDAR.dates[date].date
    held = [s for s in made.towers[0].shares if s.tower == tower and s.first <= day <= s.last]
    (share,) = [s for s in held if s.low <= lot < s.high]
    return share.zone


class Town:
    """Four zones in a row, a tower table, and a file of events."""

    def __init__(self, folder: Path, assign: Assign, kind: str) -> None:
        self.folder, self.kind = folder, kind
        frame = gpd.GeoDataFrame(
            {"zone": [f"z{i}" for i in range(4)]},
            geometry=[box(127 + i / 100, 37, 127 + (i + 1) / 100, 37.01) for i in range(4)],
            crs=4326,
        )
        frame.to_file(folder / "zones.geojson", driver="GeoJSON")
        (folder / "towers.csv").write_text(TOWERS, encoding="utf-8")
        table = TowerTable(
            path=folder / "towers.csv",
            id="cell",
            lat="y",
            lon="x",
            valid_from="from",
            valid_to="to",
        )
        zones = load_zones(folder / "zones.geojson", id="zone")
        towers = load_towers(
            table, source="sources[0]", assign=assign, zones=zones, calendar=CALENDAR
        )
        self.world = World(calendar=CALENDAR, zones=zones, towers=(towers,))

    def presence(self, rows: list[Row], *drop: Drop) -> list[dict[tuple[int, int], int]]:
        """Persons by (bin, zone number), a dict a date."""
        events = self.folder / f"events.{self.kind}"
        frame = gpd.pd.DataFrame(rows, columns=["id", "t", "cell", "imsi"])
        frame.to_csv(events, index=False) if self.kind == "csv" else frame.to_parquet(events)
        table = TABLES["presence"]
        params = table.params(table="presence")
        rule = table.rule(self.world, params, CALENDAR.dates[0], None)
        source = Source(
            label="sources[0]", kind="cdr", path=events, person="id", time="t", zone="cell"
        )
        job = Job(
            sources=(replace(source, time_unit="s", drop=drop),),
            world=self.world,
            traces=TraceParams(),
            statements={"presence": rule.sql(sensitive(table, self.world, params))},
            needs=table.needs,
            id_map=None,
            exclusions=None,
            work=self.folder / "work",
            secret=SECRET,
        )
        totals = DuckDBEngine().run(job, Silent())
        vectors = [totals.vector("presence", d, 24 * 4) for d in range(2)]
        totals.close()
        return [{divmod(i, 4): int(v) for i, v in enumerate(vec) if v} for vec in vectors]

    def set_aside(self) -> dict[str, Any]:
        text = (self.folder / "work" / "diagnostics.json").read_text(encoding="utf-8")
        return dict(json.loads(text)["sources"][0]["set_aside"])


def stay(person: str, cell: str, date: int = 0, imsi: str = "450") -> list[Row]:
    """Seen at a tower at the start and the end of an hour."""
    start = CALENDAR.dates[date].start_s
    return [(person, start + t, cell, imsi) for t in (10 * HOUR, 11 * HOUR)]


CROWD = [f"person-{i}" for i in range(40)]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("assign", ["containing", "voronoi_majority", "voronoi"])
def test_each_person_is_where_the_tower_and_the_lot_say(
    tmp_path: Path, assign: Assign, kind: str
) -> None:
    town = Town(tmp_path, assign, kind)
    rows = [row for p in CROWD for d in (0, 1) for row in stay(p, "mid", d)]
    found = town.presence(rows)
    for d in (0, 1):
        expected = Counter((10, zone_at(p, "mid", d, town.world)) for p in CROWD)
        assert found[d] == {cell: n for cell, n in expected.items() if cell[1] >= 0}
    assert (len(found[0]) > 1) == (assign == "voronoi")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_taking_a_person_out_leaves_everyone_else_in_their_zone(tmp_path: Path, kind: str) -> None:
    town = Town(tmp_path, "voronoi", kind)
    people = CROWD[:12]
    whole = town.presence([row for p in people for row in stay(p, "mid")])[0]
    for out in people[::4]:
        fewer = town.presence([row for p in people if p != out for row in stay(p, "mid")])[0]
        moved = {c: whole.get(c, 0) - fewer.get(c, 0) for c in {*whole, *fewer}}
        assert sorted(v for v in moved.values() if v) == [1]


def test_shares_are_kept_on_average_over_many_people(tmp_path: Path) -> None:
    town = Town(tmp_path, "voronoi", "csv")
    people = [f"p{i}" for i in range(4000)]
    found = town.presence([row for p in people for row in stay(p, "mid")])[0]
    held = [s for s in town.world.towers[0].shares if s.tower == "mid"]
    for share in held:
        if share.first == CALENDAR.dates[0].date:
            part = (share.high - share.low) / 2**16
            assert found[10, share.zone] / 4000 == pytest.approx(part, abs=0.03)


def test_unknown_towers_and_listed_prefixes_are_set_aside_and_counted(tmp_path: Path) -> None:
    town = Town(tmp_path, "containing", "csv")
    rows = [
        *stay("a", "west"),
        *stay("b", "nowhere"),
        *stay("M2M-1", "west"),
        *stay("roamer", "west", imsi="44010"),
        *stay("no imsi", "west", imsi=""),
    ]
    drop = (Drop("id", ("M2M-", "IOT")), Drop("imsi", ("440", "310")))
    assert town.presence(rows, *drop)[0] == {(10, 0): 2}
    aside = town.set_aside()
    assert (aside["tower_unknown"], aside["prefix_dropped"]) == (2, 4)


def test_a_record_of_another_date_never_drops_one_of_this(tmp_path: Path) -> None:
    town = Town(tmp_path, "containing", "csv")
    rows = [*stay("a", "west"), *stay("a", "west", 1, imsi="440")]
    found = town.presence(rows, Drop("imsi", ("440",)))
    assert found == [{(10, 0): 1}, {}]
