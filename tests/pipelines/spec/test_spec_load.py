"""What a right spec becomes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from fractions import Fraction
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipelines.errors import SpecError
from pipelines.ingest.source import Source
from pipelines.spec import load_policy, load_spec
from pipelines.spec.release import slug

Change = Callable[..., Path]


def test_every_section_arrives(folder: Path) -> None:
    spec = load_spec(folder / "release.toml")
    assert (spec.title, spec.slug, spec.issue) == (
        "Daily mobility, Bucheon",
        "daily-mobility-bucheon",
        0,
    )
    assert (spec.dates.start, spec.dates.days) == (dt.date(2026, 3, 2), 7)
    assert spec.series.ledger == folder / "bucheon.ledger"
    assert spec.zones.file == folder / "dongs.geojson"
    assert spec.sources == (
        Source(
            label="sources[0]",
            kind="pings",
            path=folder / "pings/*.parquet",
            person="subscriber",
            time="ts",
            lat="lat",
            lon="lon",
        ),
    )
    assert [(t.table, t.share) for t in spec.tables] == [("presence", 9), ("od_flows", 7)]
    assert (spec.release.folder, spec.release.work) == (folder / "releases", folder / "work")
    assert (spec.engine_name, spec.engine.memory_mb) == ("duckdb", 2048)
    assert spec.traces.min_dwell_minutes == 20
    assert (spec.id_map, spec.exclusions, spec.base) == (None, None, folder)


def test_budgets_are_exact(change: Change) -> None:
    spec = load_spec(
        change(
            ("[zones]", 'rho_per_date = "0.1"\ncap_delta = "1e-9"\n[zones]'),
            ("share = 9", 'share = "1/3"'),
        )
    )
    assert spec.series.rho_per_date == Fraction(1, 10)
    assert spec.series.cap_delta == Fraction(1, 10**9)
    assert spec.tables[0].share == Fraction(1, 3)


def test_a_spec_is_frozen(folder: Path) -> None:
    spec = load_spec("release.toml")
    with pytest.raises(FrozenInstanceError):
        spec.title = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        spec.dates.days = 9
    with pytest.raises(ValidationError):
        spec.tables[0].share = Fraction(1)


def test_visits_people_and_every_option_load(change: Change) -> None:
    visits = """
[[sources]]
kind = "visits"
path = "visits.csv"
columns = { person = "id", time = "arrived", end = "left", zone = "dong" }
naive_time_zone = "Asia/Seoul"
time_format = "%Y-%m-%d %H:%M"
[people]
id_map = "map.csv"
exclusions = "map.csv"
[traces]
min_trip_m = 0
[release]
folder = "out"
work = "private"
max_relative_sd = 1
report = false
[engine]
memory_mb = 300
threads = 2
spill_gb = 5
[[tables]]"""
    spec = load_spec(change(("\n[[tables]]", visits)))
    second = spec.sources[1]
    assert (second.kind, second.end, second.zone, second.lat) == ("visits", "left", "dong", None)
    assert (second.naive_time_zone, second.time_format) == ("Asia/Seoul", "%Y-%m-%d %H:%M")
    assert spec.id_map == spec.base / "map.csv"
    assert (spec.release.max_relative_sd, spec.release.report) == (1.0, False)
    assert spec.engine.threads == 2


@pytest.mark.parametrize(
    "zones",
    [
        'grid = { cell_m = 500, boundary = "city.geojson" }',
        'h3 = { resolution = 8, boundary = "city.geojson" }\nsensitive = "map.csv"',
    ],
)
def test_grids_and_hexagons_load(change: Change, zones: str) -> None:
    spec = load_spec(change(('file = "dongs.geojson"\nid = "code"', zones)))
    cells = spec.zones.grid or spec.zones.h3
    assert cells is not None
    assert cells.boundary == spec.base / "city.geojson"


@pytest.mark.parametrize("path", ["pings", "pings/a.parquet", "p*/*.parquet", "./pings/"])
def test_a_file_a_folder_and_a_pattern_are_sources(change: Change, path: str) -> None:
    assert load_spec(change(("pings/*.parquet", path))).sources[0].kind == "pings"


def test_spaces_and_other_letters_in_paths_work(folder: Path) -> None:
    inner = folder / "부천 자료 2026"
    inner.mkdir()
    for name in ("policy.toml", "release.toml", "dongs.geojson", "pings"):
        (folder / name).rename(inner / name)
    spec = load_spec(inner / "release.toml")
    assert spec.zones.file == inner / "dongs.geojson"


def test_private_files_may_be_absent_where_only_a_plan_is_wanted(change: Change) -> None:
    path = change(
        ("pings/*.parquet", "elsewhere/*.parquet"),
        ("[[tables]]", '[people]\nid_map = "elsewhere.csv"\n[[tables]]'),
    )
    assert load_spec(path, check_data=False).title
    with pytest.raises(SpecError, match="finds no file"):
        load_spec(path)


def test_the_calendar_is_the_policys(folder: Path) -> None:
    calendar = load_spec("release.toml").calendar(load_policy("policy.toml"))
    assert (calendar.time_zone, calendar.day_starts) == ("Asia/Seoul", dt.time(4))
    assert [day.date.isoformat() for day in calendar.dates][::6] == ["2026-03-02", "2026-03-08"]


def test_what_is_public_names_no_path_and_no_machine(change: Change) -> None:
    path = change(("[[tables]]", '[people]\nid_map = "map.csv"\n[engine]\nthreads = 2\n[[tables]]'))
    text = json.dumps(load_spec(path).public())
    for private in ("dongs.geojson", "bucheon.ledger", "map.csv", "pings/", "releases", "threads"):
        assert private not in text
    assert json.loads(text)["people"] == {"id_map": True, "exclusions": False}
    assert json.loads(text)["tables"][1]["cap"] == 4


def test_moving_files_keeps_the_digest_and_changing_meaning_does_not(
    folder: Path, change: Change
) -> None:
    before = load_spec("release.toml").digest
    (folder / "else.geojson").write_bytes(b"")
    moved = change(
        ("dongs.geojson", "else.geojson"),
        ("[[tables]]", "[engine]\nthreads = 2\n[[tables]]"),
        ("[zones]", 'cap_rho = "1/2"\n[zones]'),
        ("share = 9", 'share = "18/2"'),
    )
    assert load_spec(moved).digest == before
    assert load_spec(change(("cap = 4", "cap = 5"))).digest != before


def test_titles_become_short_names_for_any_file_system() -> None:
    assert slug("A/B: con*?  --  x") == "a-b-con-x"
    assert slug("부천") == "release"
    assert len(slug("word " * 50)) <= 40
