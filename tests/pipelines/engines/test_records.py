"""What tables get to see: records cleaned, united, cut and dated."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engine_desk import (
    PERSONS,
    PIECES,
    SEOUL,
    at,
    job,
    pings,
    place,
    records,
    run,
    source,
    visits,
    world,
)


def _aside(work: Path, number: int = 0) -> dict[str, int]:
    told = json.loads((work / "diagnostics.json").read_text())
    return {k: v for k, v in told["sources"][number]["set_aside"].items() if v}


def test_pings_get_their_date_second_and_zone(tmp_path: Path) -> None:
    given = pings(
        tmp_path / "a.parquet",
        [(1, "02 04:00", 0), (1, "03 03:59", 8), (2, "03 04:00", 4), (2, "04 13:30", -1)],
    )
    assert records(job(tmp_path / "w", given)) == [
        (1, 0, 0, "00:00"),
        (1, 8, 0, "23:59"),
        (2, -1, 2, "09:30"),
        (2, 4, 1, "00:00"),
    ]
    told = json.loads((tmp_path / "w" / "diagnostics.json").read_text())
    assert told["sources"][0]["outside_zones"] == 1


def test_rows_outside_the_period_are_counted_however_far(tmp_path: Path) -> None:
    near = ["02 03:59", "05 04:00"]
    far = ["01 00:00", "30 00:00"]
    rows = [(1, time, 0) for time in [*near, *far, "02 12:00"]]
    given = pings(tmp_path / "a.parquet", rows)
    assert len(records(job(tmp_path / "w", given))) == 1
    assert _aside(tmp_path / "w") == {"outside_period": 4}


def test_visits_are_cut_at_day_starts(tmp_path: Path) -> None:
    given = visits(
        tmp_path / "v.parquet",
        [
            (1, "02 10:00", "04 09:00", 3),
            (2, "02 10:00", "03 04:00", 3),
            (3, "03 04:00", None, 3),
            (4, "01 10:00", "02 05:00", 3),
            (5, "04 20:00", "09 05:00", 3),
            (6, "02 10:00", "02 10:00", 3),
            (7, "01 10:00", "09 10:00", 3),
        ],
    )
    todo = job(tmp_path / "w", given, statements=PIECES)
    starts, ends = records(todo), records(todo, "ends")
    spans = [(p, d, a, b) for (p, _, d, a), (_, _, _, b) in zip(starts, ends, strict=True)]
    assert spans == [
        (1, 0, "06:00", "24:00"),
        (1, 1, "00:00", "24:00"),
        (1, 2, "00:00", "05:00"),
        (2, 0, "06:00", "24:00"),
        (3, 1, "00:00", "00:00"),
        (4, 0, "00:00", "01:00"),
        (5, 2, "16:00", "24:00"),
        (6, 0, "06:00", "06:00"),
        (7, 0, "00:00", "24:00"),
        (7, 1, "00:00", "24:00"),
        (7, 2, "00:00", "24:00"),
    ]


def test_a_visit_that_touches_no_date_or_ends_before_it_starts_is_set_aside(tmp_path: Path) -> None:
    given = visits(
        tmp_path / "v.parquet",
        [
            (1, "01 10:00", "02 04:00", 3),
            (2, "05 04:00", "05 05:00", 3),
            (3, "03 10:00", "03 09:59", 3),
        ],
    )
    assert records(job(tmp_path / "w", given)) == []
    assert _aside(tmp_path / "w") == {"outside_period": 2, "end_before_start": 1}


def test_days_of_a_clock_change_have_23_and_25_hours(tmp_path: Path) -> None:
    berlin = world("Europe/Berlin", "2026-03-28", days=2)
    y, x = place(0)
    instants = [
        dt.datetime(2026, 3, 28, 3, tzinfo=dt.UTC) + dt.timedelta(hours=h) for h in range(24)
    ]
    columns = {
        "who": [1] * 24,
        "ts": pa.array(instants, pa.timestamp("s", tz="UTC")),
        "lat": [y] * 24,
        "lon": [x] * 24,
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    given = source(tmp_path / "a.parquet", kind="pings", lat="lat", lon="lon")
    found = records(job(tmp_path / "w", given, world=berlin))
    assert [(d, clock) for _, _, d, clock in found] == [
        *((0, f"{h:02}:00") for h in range(23)),
        (1, "00:00"),
    ]


NAIVE = [
    ("2026-10-25T01:30:00", (0, "21:30")),
    ("2026-10-25T02:30:00", (0, "22:30")),
    ("2026-10-25T03:30:00", (0, "24:30")),
    ("2026-10-25T04:00:00", (1, "00:00")),
]


@pytest.mark.parametrize("kind", ["timestamp[ns]", "timestamp[us]", "int96", "text"])
def test_a_repeated_local_hour_is_read_as_the_first(tmp_path: Path, kind: str) -> None:
    times = [dt.datetime.fromisoformat(text) for text, _ in NAIVE]
    column = {
        "timestamp[ns]": lambda: pa.array(times, pa.timestamp("ns")),
        "timestamp[us]": lambda: pa.array(times, pa.timestamp("us")),
        "int96": lambda: pa.array(times, pa.timestamp("ns")),
        "text": lambda: pa.array([text for text, _ in NAIVE]),
    }[kind]()
    y, x = place(0)
    table = pa.table({"who": [1] * 4, "ts": column, "lat": [y] * 4, "lon": [x] * 4})
    old = kind == "int96"
    pq.write_table(table, tmp_path / "a.parquet", use_deprecated_int96_timestamps=old)
    given = source(
        tmp_path / "a.parquet", kind="pings", lat="lat", lon="lon", naive_time_zone="Europe/Berlin"
    )
    berlin = world("Europe/Berlin", "2026-10-24", days=2)
    found = records(job(tmp_path / "w", given, world=berlin))
    assert [(d, clock) for _, _, d, clock in found] == [spot for _, spot in NAIVE]


CSV = [
    ("1,2026-03-02T21:00:00+09:00,{y},{x}", None),
    (",2026-03-02T21:00:00+09:00,{y},{x}", "person_missing"),
    ('"",2026-03-02T21:00:00+09:00,{y},{x}', "person_missing"),
    ("1,,{y},{x}", "time_missing"),
    ("1,yesterday,{y},{x}", "time_unreadable"),
    ("1,2026-02-30T12:00:00Z,{y},{x}", "time_unreadable"),
    ("1,2026-03-08T02:30:00,{y},{x}", "time_skipped_by_clock_change"),
    ("1,2026-03-01T12:00:00Z,{y},{x}", "outside_period"),
    ("1,2026-03-02T12:00:00Z,,{x}", "place_impossible"),
    ("1,2026-03-02T12:00:00Z,nan,{x}", "place_impossible"),
    ("1,2026-03-02T12:00:00Z,91,{x}", "place_impossible"),
    ("1,2026-03-02T12:00:00Z,0,0", "place_impossible"),
    ("1,2026-03-02T12:00:00Z,{y}", "line_malformed"),
    ("1,2026-03-02T12:00:00Z,{y},{x},5", "line_malformed"),
]


def test_each_bad_line_of_a_csv_is_set_aside_for_its_reason(tmp_path: Path) -> None:
    y, x = place(5)
    lines = [line.format(y=y, x=x) for line, _ in CSV]
    (tmp_path / "a.csv").write_text("\n".join(["who,ts,lat,lon", *lines]) + "\n")
    given = source(
        tmp_path / "a.csv", kind="pings", lat="lat", lon="lon", naive_time_zone="America/New_York"
    )
    new_york = world("America/New_York", days=8)
    found = run(job(tmp_path / "w", given, statements=PERSONS, world=new_york))
    assert found["persons"] == {(0, 6): 1}
    expected: dict[str, int] = {}
    for _, reason in CSV:
        if reason:
            expected[reason] = expected.get(reason, 0) + 1
    assert _aside(tmp_path / "w") == expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("odd", ['1,"', '"1', '1,x"', "1,\x00", '1,""', "1,\\"])
def test_what_one_line_of_a_csv_holds_never_reaches_another(
    tmp_path: Path, odd: str, end: str
) -> None:
    """An open quote must not swallow other persons' records: no bound would hold."""
    y, x = place(5)
    lines = [f"{i},note,2026-03-02T12:00:00Z,{y},{x}" for i in range(2, 30_000)]
    cells = {}
    for name, first in (("plain", "1,note"), ("odd", odd)):
        lines[50:51] = [f"{first},2026-03-02T12:00:00Z,{y},{x}"]
        text = end.join(["who,note,ts,lat,lon", *lines]) + end
        (tmp_path / f"{name}.csv").write_bytes(text.encode())
        given = source(tmp_path / f"{name}.csv", kind="pings", lat="lat", lon="lon")
        cells[name] = run(job(tmp_path / "w", given, statements=PERSONS))["persons"]
    assert cells["plain"] == {(0, 6): 29_998}
    assert cells["odd"][0, 6] in {29_997, 29_998}
    [told] = _told(tmp_path / "w")
    assert told["rows"] == 29_998


def test_unmapped_columns_of_a_csv_may_share_a_name_or_have_none(tmp_path: Path) -> None:
    y, x = place(5)
    text = f"note,who,note,ts,lat,lon,\na,1,b,2026-03-02T12:00:00Z,{y},{x},\n"
    (tmp_path / "a.csv").write_text(text)
    given = source(tmp_path / "a.csv", kind="pings", lat="lat", lon="lon")
    assert run(job(tmp_path / "w", given, statements=PERSONS))["persons"] == {(0, 6): 1}


def test_times_without_a_zone_are_set_aside_where_none_is_declared(tmp_path: Path) -> None:
    y, x = place(5)
    text = f"who,ts,lat,lon\n1,2026-03-02T12:00:00,{y},{x}\n1,2026-03-02T12:00:00Z,{y},{x}\n"
    (tmp_path / "a.csv").write_text(text)
    given = source(tmp_path / "a.csv", kind="pings", lat="lat", lon="lon")
    assert run(job(tmp_path / "w", given, statements=PERSONS))["persons"] == {(0, 6): 1}
    assert _aside(tmp_path / "w") == {"time_without_zone": 1}


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("text", [False, True])
def test_whole_number_times_are_read_in_their_unit(tmp_path: Path, unit: str, text: bool) -> None:
    scale = {"s": 1, "ms": 1000, "us": 10**6}[unit]
    base = round(at("02 12:00").timestamp())
    ticks: list[Any] = [base * scale + scale - 1, None, 2**62]
    y, x = place(0)
    if text:
        ticks = [None if t is None else str(t) for t in ticks] + ["1.5", "1e9", " 1"]
        lines = [f"1,{t or ''},{y},{x}" for t in ticks]
        (tmp_path / "a.csv").write_text("\n".join(["who,ts,lat,lon", *lines]))
    else:
        n = len(ticks)
        table = pa.table({"who": [1] * n, "ts": ticks, "lat": [y] * n, "lon": [x] * n})
        pq.write_table(table, tmp_path / "a.parquet")
    given = source(next(tmp_path.glob("a.*")), kind="pings", lat="lat", lon="lon", time_unit=unit)
    cell = {
        "starts": "SELECT d, CAST(t AS BIGINT) AS cell, COUNT(*) AS total FROM points GROUP BY d, t"
    }
    assert run(job(tmp_path / "w", given, statements=cell))["starts"] == {(0, 8 * 3600): 1}
    unread = {"time_unreadable": 4} if text else {"outside_period": 1}
    assert _aside(tmp_path / "w") == {"time_missing": 1, **unread}


def test_a_declared_format_reads_the_times_of_a_csv(tmp_path: Path) -> None:
    y, x = place(0)
    (tmp_path / "a.csv").write_text(f"who;ts;lat;lon\n7;2/3/2026 1:05 PM;{y};{x}\n")
    given = source(
        tmp_path / "a.csv",
        kind="pings",
        lat="lat",
        lon="lon",
        time_format="%d/%m/%Y %I:%M %p",
        naive_time_zone="Asia/Seoul",
    )
    cell = {
        "starts": "SELECT d, CAST(t AS BIGINT) AS cell, COUNT(*) AS total FROM points GROUP BY d, t"
    }
    expected = {(0, 9 * 3600 + 300): 1}
    assert run(job(tmp_path / "w", given, statements=cell))["starts"] == expected


def test_unknown_zone_ids_are_set_aside_and_known_ones_bring_their_point(tmp_path: Path) -> None:
    given = visits(
        tmp_path / "v.parquet",
        [(1, "02 10:00", "02 11:00", 3), (1, "02 10:00", "02 11:00", 77)],
    )
    cell = "CAST(lat_e7 AS BIGINT) * 4000000000 + lon_e7"
    spots = {"spots": f"SELECT d, {cell} AS cell, COUNT(*) AS total FROM points GROUP BY d, {cell}"}
    found = run(job(tmp_path / "w", given, statements=spots))["spots"]
    y, x = place(3)
    assert found == {(0, round(y * 1e7) * 4_000_000_000 + round(x * 1e7)): 1}
    assert _aside(tmp_path / "w") == {"zone_unknown": 1}


def test_pings_and_visits_unite_in_one_relation(tmp_path: Path) -> None:
    both = job(
        tmp_path / "w",
        pings(tmp_path / "p.parquet", [(1, "02 10:00", 0)]),
        visits(tmp_path / "v.parquet", [(1, "02 11:00", "03 05:00", 1)], label="sources[1]"),
        statements=PIECES
        | {
            "declared": "SELECT d, CAST(zone AS BIGINT) AS cell, COUNT(*) AS total FROM points "
            "WHERE declared GROUP BY d, zone"
        },
    )
    assert records(both) == [(1, 0, 0, "06:00"), (1, 1, 0, "07:00"), (1, 1, 1, "00:00")]
    assert run(both)["declared"] == {(0, 1): 1, (1, 1): 1}
    assert [counts["kept"] for counts in _told(tmp_path / "w")] == [1, 1]


def _told(work: Path) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads((work / "diagnostics.json").read_text())["sources"]
    return told


@pytest.mark.parametrize("in_memory", [True, False])
def test_sources_without_a_row_give_empty_totals(tmp_path: Path, in_memory: bool) -> None:
    (tmp_path / "a.csv").write_text("who,ts,until,place\n")
    given = source(tmp_path / "a.csv", kind="visits", end="until", zone="place")
    assert run(job(tmp_path / "w", given), in_memory=in_memory) == {"starts": {}}
    told = json.loads((tmp_path / "w" / "diagnostics.json").read_text())
    assert told["warnings"] == ["sources[0]: no row was kept: its part of the tables is only noise"]


def test_paths_may_be_relative_and_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pings(tmp_path / "data" / "a.parquet", [(1, "02 10:00", 0)])
    (tmp_path / "link.parquet").symlink_to(tmp_path / "data" / "a.parquet")
    monkeypatch.chdir(tmp_path)
    for path in (Path("data/a.parquet"), Path("data/*.parquet"), Path("link.parquet")):
        given = source(path, kind="pings", lat="lat", lon="lon")
        assert records(job(Path("w"), given)) == [(1, 0, 0, "06:00")]


def test_seconds_round_down_before_and_after_1970(tmp_path: Path) -> None:
    old = world("UTC", "1969-12-31", days=2)
    y, x = place(0)
    moments = [dt.datetime(1970, 1, 1, 3, 59, 59, 999_999, tzinfo=dt.UTC)]
    moments += [dt.datetime(1969, 12, 31, 3, 59, 59, 999_999, tzinfo=dt.UTC)]
    moments += [dt.datetime(1969, 12, 31, 4, 0, 0, 1, tzinfo=dt.UTC)]
    columns = {"who": [1] * 3, "lat": [y] * 3, "lon": [x] * 3}
    table = pa.table(columns | {"ts": pa.array(moments, pa.timestamp("us", tz="UTC"))})
    pq.write_table(table, tmp_path / "a.parquet")
    given = source(tmp_path / "a.parquet", kind="pings", lat="lat", lon="lon")
    found = records(job(tmp_path / "w", given, world=old))
    assert [(d, clock) for _, _, d, clock in found] == [(0, "00:00"), (0, "23:59")]


def test_nothing_depends_on_the_time_zone_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = job(tmp_path / "w", pings(tmp_path / "a.parquet", [(1, "02 04:00", 0)]))
    here = records(given)
    monkeypatch.setenv("TZ", "America/St_Johns")
    assert records(given) == here
    assert at("02 04:00").tzinfo is SEOUL
