"""The whole road with the real engine: what is published, against what is true."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from release_town import Town

from dp.ledger import Ledger, verify
from dp.tables import Bounded
from pipelines import load_spec, plan, read_release, release, verify_release
from pipelines.progress import Silent
from pipelines.release import totals
from pipelines.release.model import PlannedMeasurement
from pipelines.release.totals import Totals, count
from pipelines.spec import load_policy

DATA = Path(os.environ.get("MURMURATION_REALDATA", Path(__file__).parents[4] / "shared" / "data"))
POLICY = """\
cap_rho = "1/2"
window_days = 30
ids_per_person_per_date = 1
id_rotation = "never"
time_zone = "America/New_York"
population = 8000000
"""
SPEC = """\
title = "New York check-ins"
dates = { start = 2012-04-10, days = 7 }
[series]
ledger = "nyc.ledger"
policy = "policy.toml"
[zones]
file = "zones.geojson"
id = "BoroCD"
[[sources]]
kind = "visits"
path = "checkins.parquet"
columns = { person = "uid", time = "ts", lat = "lat", lon = "lon" }
time_unit = "s"
[[tables]]
table = "visits"
cap = 60
[[tables]]
table = "od_flows"
cap = 4
[release]
report = false
"""


def test_a_town_from_records_to_a_sound_release_with_its_report(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth: dict[tuple[str, object], Bounded] = {}
    real = Totals.bounded

    def watched(self: Totals, one: PlannedMeasurement) -> Bounded:
        truth[one.table, one.date] = real(self, one)
        return truth[one.table, one.date]

    monkeypatch.setattr(Totals, "bounded", watched)
    town.edit("days = 2 }", "days = 3 }")
    spec = town.edit("report = false", "report = true")
    planned = plan(spec)
    folder = release(planned)
    assert verify_release(folder, ledger=town.ledger) == []
    assert verify(town.ledger) == []
    assert (folder / "report.html").stat().st_size > 100_000
    assert len(truth) == 3 * 4
    assert sum(int(table.totals.sum()) for table in truth.values()) > 0
    found = read_release(folder, check=True)
    off = np.concatenate(
        [_noise(found.measurements(m.table), m, truth) for m in planned.measurements]
    )
    assert abs(off.mean()) < 5 / len(off) ** 0.5
    assert off.std() == pytest.approx(1, abs=0.15)


def _noise(
    rows: pd.DataFrame, one: PlannedMeasurement, truth: dict[tuple[str, object], Bounded]
) -> np.ndarray:
    lattice = rows.loc[rows["date"].dt.date == one.date, "lattice"].to_numpy()
    off = (lattice - truth[one.table, one.date].totals) / (one.law.sd * one.law.factor)
    return np.asarray(off[one.keys.measured])


def test_a_date_counts_the_same_whether_its_neighbours_are_counted_or_not(town: Town) -> None:
    planned = plan(town.spec())
    last = [one for one in planned.measurements if one.day.index == 1]
    secret = bytes(32)
    both = count(
        planned, missing=planned.measurements, secret=secret, engine="duckdb", progress=Silent()
    )
    alone = count(planned, missing=last, secret=secret, engine="duckdb", progress=Silent())
    assert alone.first == 1
    assert alone.keys == {one.charge.key for one in last}
    for one in last:
        whole = both.bounded(one).totals
        assert whole.sum() > 0
        assert alone.bounded(one).totals.tolist() == whole.tolist()
    both.close()
    alone.close()


def test_an_engine_that_does_not_exist_is_named(town: Town) -> None:
    from pipelines.errors import SpecError

    with pytest.raises(SpecError, match='no engine is named "abacus"'):
        release(town.spec(), engine="abacus")
    assert totals.engine_of("duckdb").name == "duckdb"
    assert town.spent() == 0


@pytest.mark.realdata
def test_new_york_check_ins_come_out_as_an_independent_count_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = DATA / "foursquare_nyc"
    if not source.is_dir():
        pytest.skip(f"no real data at {DATA}: set MURMURATION_REALDATA")
    monkeypatch.setenv("MURMURATION_ANCHORS", str(tmp_path / "anchors"))
    monkeypatch.setattr(os, "fsync", lambda _handle: None)
    rows = pd.read_parquet(source / "checkins.parquet")
    # minute 0 is 2012-04-03 18:00 UTC
    rows["ts"] = 1_333_476_000 + rows["minute"].astype("int64") * 60
    rows[["uid", "ts", "lat", "lon"]].to_parquet(tmp_path / "checkins.parquet", index=False)
    shutil.copy(source / "community_districts.geojson", tmp_path / "zones.geojson")
    (tmp_path / "policy.toml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "release.toml").write_text(SPEC, encoding="utf-8")
    Ledger.create(tmp_path / "nyc.ledger", load_policy(tmp_path / "policy.toml")).close()

    visits = read_release(release(load_spec(tmp_path / "release.toml")))["visits"]
    true = _visits(rows, gpd.read_file(tmp_path / "zones.geojson"))
    keys = zip(visits["date"].dt.strftime("%Y-%m-%d"), visits["zone"].astype(str), strict=True)
    expected = np.array([true.get(key, 0) for key in keys])
    assert expected.sum() > 3_000
    assert expected.max() > 100
    off = (visits["value"].to_numpy() - expected) / visits["sd"].to_numpy()
    assert abs(off.mean()) < 5 / len(off) ** 0.5
    assert off.std() == pytest.approx(1, abs=0.15)


def _visits(rows: pd.DataFrame, zones: gpd.GeoDataFrame) -> dict[tuple[str, str], int]:
    """Count persons by date and zone with geopandas alone; dates start at 04:00 local time."""
    local = pd.to_datetime(rows["ts"], unit="s", utc=True).dt.tz_convert("America/New_York")
    day = (local.dt.tz_localize(None) - pd.Timedelta(hours=4)).dt.strftime("%Y-%m-%d")
    points = gpd.points_from_xy(rows["lon"], rows["lat"], crs="EPSG:4326")
    placed = gpd.sjoin(
        gpd.GeoDataFrame({"uid": rows["uid"], "day": day}, geometry=points),
        zones[["BoroCD", "geometry"]],
        predicate="within",
    )
    once = placed.drop_duplicates(["uid", "day", "BoroCD"])
    counted = once.groupby(["day", "BoroCD"]).size()
    return {(str(d), str(zone)): int(n) for (d, zone), n in counted.items()}
