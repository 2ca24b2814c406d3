"""All engines give the same bytes, and those of the slow Python reference, on bad shapes."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conformance_cases import (
    VARIANTS,
    ZONES,
    assert_same,
    cell_counts,
    crowd,
    expected,
    ids_of,
    instants,
    job,
    placed,
    square_zones,
    tables_job,
    vectors,
    world,
    write_csv,
    write_map,
    write_parquet,
)
from reference import Record
from shapes import FIXES_ONLY

from pipelines.engines.contract import Engine, Job
from pipelines.engines.duckdb.engine import DuckDBEngine
from pipelines.errors import SourceError
from pipelines.ingest.source import Source
from pipelines.progress import Silent
from pipelines.schemas.world import World
from pipelines.tables import TABLES
from pipelines.zones.grid import grid_zones

pytestmark = pytest.mark.slow


def _source(path: Path, number: int, **changes: Any) -> Source:
    plain: dict[str, Any] = {"label": f"sources[{number}]", "kind": "pings", "path": path}
    columns = {"person": "who", "time": "ts", "lat": "lat", "lon": "lon"}
    return Source(**plain | columns | changes)


def test_fixes_of_every_bad_shape_in_three_sources(engine: Engine, tmp_path: Path) -> None:
    """Clocks go back on the third date; the fourth is empty; each person has two devices."""
    place = world(tmp_path, dt.date(2026, 10, 30), days=4)
    days = place.calendar.dates[:3]
    found = crowd(days, [name for name in FIXES_ONLY if name != "far_away"])
    dropped = [replace(r, person="opted 'out\"") for r in crowd(days, ["hub"])]
    ids, gone = ids_of(found), ids_of(dropped)
    write_parquet(tmp_path / "p" / "1.parquet", place, found[::4], ids[::4])
    write_parquet(tmp_path / "p" / "2 [b].parquet", place, found[1::4], ids[1::4])
    write_csv(tmp_path / "iso.csv", place, found[2::4], ids[2::4], epoch=False)
    write_csv(tmp_path / "epoch.csv", place, found[3::4] + dropped, ids[3::4] + gone, epoch=True)
    (tmp_path / "out.csv").write_text('"opted \'out""#2"\n')
    todo = tables_job(
        place,
        tmp_path / "w",
        _source(tmp_path / "p", 0),
        _source(tmp_path / "iso.csv", 1),
        _source(tmp_path / "epoch.csv", 2, time_unit="s"),
        id_map=write_map(tmp_path / "map.csv", found + dropped),
        exclusions=tmp_path / "out.csv",
    )
    totals, diagnostics = vectors(engine, todo, place)
    wanted = expected(place, found)
    for (label, d), vector in wanted.items():  # the last of the dates is empty
        spans = TABLES[VARIANTS[label][0]].spans
        assert vector.any() == (d == 3 if spans else d < 3), label
    assert_same(totals, wanted)
    aside = diagnostics["sources"][2]["set_aside"]
    assert {k: v for k, v in aside.items() if v} == {"person_excluded": len(dropped)}


def test_visits_by_zone_over_several_dates_in_naive_times(engine: Engine, tmp_path: Path) -> None:
    """Clocks go forward on the second date."""
    place = world(tmp_path, dt.date(2026, 3, 7), days=3)
    days = place.calendar.dates
    found = placed(place, crowd(days, ["spans", "checkins"]))
    long = [
        Record(10_000, 2, days[0].length_s, "long"),
        Record(0, 2, days[1].length_s, "long", 1),
        Record(0, 2, 9_000, "long", 2),
    ]
    rows = [(r.person, s, e if r.t2 != r.t else None, r.zone) for r, s, e in _spans(place, found)]
    rows.append(("long", days[0].start_s + 10_000, days[2].start_s + 9_000, 2))
    naive = [_local(place, [row[i] for row in rows]) for i in (1, 2)]
    table = {"who": [r[0] for r in rows], "ts": naive[0], "until": naive[1]}
    zones = [place.zones.ids[r[3]] for r in rows]
    pq.write_table(pa.table(table | {"place": zones}), tmp_path / "v.parquet")
    given = _source(
        tmp_path / "v.parquet",
        0,
        kind="visits",
        end="until",
        lat=None,
        lon=None,
        zone="place",
        naive_time_zone="America/New_York",
    )
    totals, _ = vectors(engine, tables_job(place, tmp_path / "w", given), place)
    assert_same(totals, expected(place, found + placed(place, long)))


def _spans(place: World, found: list[Record]) -> list[tuple[Record, int, int]]:
    ends = instants(place, found, end=True)
    return list(zip(found, instants(place, found), ends, strict=True))


def _local(place: World, seconds: list[int | None]) -> pa.Array:
    zone = place.calendar.zone
    local = [
        None if s is None else dt.datetime.fromtimestamp(s, zone).replace(tzinfo=None)
        for s in seconds
    ]
    return pa.array(local, pa.timestamp("ms"))


_ROOM = 1_000
SPOTS = {
    "spots": f"SELECT d, CAST(person AS BIGINT) * {_ROOM} + zone + 1 AS cell, "
    "COUNT(*) AS total FROM points GROUP BY d, person, zone"
}


@pytest.mark.parametrize("kind", ["polygons", "grid", "h3"])
def test_points_on_edges_and_vertices_are_in_the_same_zone(
    engine: Engine, kind: str, tmp_path: Path
) -> None:
    place = world(tmp_path, dt.date(2026, 3, 2), days=1, time_zone="Asia/Seoul")
    place = replace(place, zones=_zones(kind, tmp_path))
    rng = random.Random(7)
    lats = [374_950_000 + k for k in (-1, 0, 1, 50_000, 99_999, 100_000, 100_001)]
    lons = [1_270_000_000 + i * 100_000 + k for i in range(ZONES + 1) for k in (-1, 0, 1, 333)]
    spots = [(lat, lon) for lat in lats for lon in lons]
    spots += [
        (rng.randrange(374_940_000, 375_060_000), rng.randrange(1_269_990_000, 1_270_510_000))
        for _ in range(300)
    ]
    found = [Record(60 * i, 0, 60 * i, "p", 0, lat, lon) for i, (lat, lon) in enumerate(spots)]
    write_parquet(tmp_path / "p.parquet", place, found, [*range(len(found))])
    given = _source(tmp_path / "p.parquet", 0)
    todo = job(place, tmp_path / "w", given, statements=SPOTS, needs=frozenset({"points"}))
    counted = _counted(engine, todo, len(found))
    assert counted == _counted(DuckDBEngine(bucket_rows=50, in_memory=False), todo, len(found))
    assert [cell // _ROOM for cell in sorted(counted)] == list(range(len(found)))
    assert set(counted.values()) == {1}
    inside = {cell % _ROOM - 1 for cell in counted}
    assert len(inside) > 3, "one zone holds all points: this test would compare nothing"


def _zones(kind: str, folder: Path) -> Any:
    if kind == "polygons":
        return square_zones(folder)
    square_zones(folder)
    if kind == "grid":
        return grid_zones(folder / "zones.geojson", cell_m=250)
    pytest.importorskip("h3", reason="H3 zones need the h3 extra")
    from pipelines.zones.hexagons import h3_zones

    return h3_zones(folder / "zones.geojson", resolution=8)


def _counted(engine: Any, todo: Job, people: int) -> dict[int, int]:
    totals = engine.run(todo, Silent())
    (found,) = cell_counts(totals, "spots", 1, (people + 1) * _ROOM)
    totals.close()
    return dict(found)


LINES = [
    "lat,who,when,lon,remark",
    "37.5,1,02/Mar/2026 10:00:00 am +0900,127.005,",
    '37.5,"1",02/Mar/2026 11:00:00 AM Z,127.005,"a, ""b"""',
    "37.5,2,02/Mar/2026 11:00:00 PM +0900,127.015",
    "37.5,2,02/Mar/2026 11:00:00 PM +0900,127.015,x,y",
    "37.5,,02/Mar/2026 11:00:00 PM +0900,127.015,no person",
    "37.5,3,,127.015,no time",
    "37.5,3,31/Feb/2026 11:00:00 PM +0900,127.015,no date",
    '37.5,3,"02/Mar/2026 11:00:00 PM +0900\n",127.015,a second line',
    "91,3,02/Mar/2026 11:00:00 PM +0900,127.015,no place",
    "0,3,02/Mar/2026 11:00:00 PM +0900,0,the open sea",
    "nan,3,02/Mar/2026 11:00:00 PM +0900,1e999,not a number",
    ' 37.5,3,02/Mar/2026 11:00:00 PM +0900,"127.015\n",a space and a line',
    "37.5,3,02/Mar/1970 11:00:00 PM +0900,127.015,long ago",
    "3.75e1,4,2/Mar/2026 1:0:0 pm +09:00,127.0250,short",
    '37.5,5,02/Mar/2026 01:00:00 pm +09,127.025,"two\nlines"',
    "",
]


def test_bad_lines_are_set_aside_for_the_same_reasons(engine: Engine, tmp_path: Path) -> None:
    place = world(tmp_path, dt.date(2026, 3, 2), days=1, time_zone="Asia/Seoul")
    text = "\n".join(LINES).encode()
    text += b"37.5,6,02/Mar/2026 10:00:00 am +0900,127.005,\xff\xfe\n"
    text += b"37.5,7\xff,02/Mar/2026 10:00:00 am +0900,127.005,broken letters in the id\n"
    (tmp_path / "a.csv").write_bytes(text)
    given = _source(tmp_path / "a.csv", 0, time="when", time_format="%d/%b/%Y %I:%M:%S %p %z")
    todo = tables_job(place, tmp_path / "w", given, only=["visits", "presence"])
    totals, said = vectors(engine, todo, place)
    wanted, baseline = vectors(DuckDBEngine(bucket_rows=2, in_memory=False), todo, place)
    assert_same(totals, wanted)
    assert said == baseline
    aside = {reason: n for reason, n in said["sources"][0]["set_aside"].items() if n}
    assert aside == {
        "person_missing": 1,
        "time_missing": 1,
        "time_unreadable": 1,
        "outside_period": 1,
        "place_impossible": 3,
        "line_malformed": 10,
    }
    assert said["sources"][0]["kept"] == 3


def test_sources_without_a_row_give_zeros(engine: Engine, tmp_path: Path) -> None:
    place = world(tmp_path, dt.date(2026, 3, 2), days=1)
    write_parquet(tmp_path / "none.parquet", place, [], [])
    schema = pq.read_schema(tmp_path / "none.parquet")
    kept = schema.set(0, pa.field("who", pa.string()))
    kept = kept.set(2, pa.field("lat", pa.float64())).set(3, pa.field("lon", pa.float64()))
    pq.write_table(kept.empty_table(), tmp_path / "none.parquet")
    empty = _source(tmp_path / "none.parquet", 0)
    todo = tables_job(place, tmp_path / "w", empty, only=["panel", "od_flows", "presence"])
    totals, _ = vectors(engine, todo, place)
    assert not any(vector.any() for vector in totals.values())


def test_a_file_that_an_engine_would_leave_out_is_read_or_refused(
    engine: Engine, tmp_path: Path
) -> None:
    place = world(tmp_path, dt.date(2026, 3, 2), days=1)
    write_parquet(tmp_path / "_p.parquet", place, crowd(place.calendar.dates, ["hub"]), None)
    given = _source(tmp_path / "_p.parquet", 0)
    todo = tables_job(place, tmp_path / "w", given, only=["presence"])
    if engine.name == "spark":
        with pytest.raises(SourceError, match=r"names begin with \. or _"):
            engine.run(todo, Silent())
    else:
        totals, _ = vectors(engine, todo, place)
        assert totals["presence", 0].any()


def test_an_id_with_two_persons_is_refused_in_the_same_words(
    engine: Engine, tmp_path: Path
) -> None:
    place = world(tmp_path, dt.date(2026, 3, 2), days=1)
    write_parquet(tmp_path / "p.parquet", place, [Record(0, 0, 0)], ["p"])
    (tmp_path / "map.csv").write_text("zoë,1\nzoë,2\n", encoding="utf-8")
    todo = tables_job(
        place, tmp_path / "w", _source(tmp_path / "p.parquet", 0), id_map=tmp_path / "map.csv"
    )
    with pytest.raises(Exception, match=r"map\.csv maps one id to two persons") as caught:
        engine.run(todo, Silent())
    assert "zoë" not in str(caught.value)
    assert list((tmp_path / "w").iterdir()) == []
