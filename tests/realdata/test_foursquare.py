"""A month of check-ins in New York over community districts, from file to released table."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import pipelines
from dp.ledger import Ledger
from pipelines.spec import load_policy

pytestmark = pytest.mark.realdata

ORIGIN = dt.datetime(2012, 4, 3, 18, tzinfo=dt.UTC)
ZONE = "America/New_York"
START, DAYS = dt.date(2012, 4, 10), 30
CAP_VISITS, CAP_TRIPS = 8, 8
POLICY = f"""
cap_rho = "1/2"
window_days = 30
ids_per_person_per_date = 1
id_rotation = "never"
time_zone = "{ZONE}"
day_starts = "04:00"
population = 8000000
"""
SPEC = f"""
title = "Check-ins, New York"
dates = {{ start = {START}, days = {DAYS} }}
[series]
ledger = "city.ledger"
policy = "policy.toml"
[zones]
file = "districts.geojson"
id = "BoroCD"
[[sources]]
kind = "visits"
path = "checkins.parquet"
columns = {{ person = "uid", time = "time", lat = "lat", lon = "lon" }}
[[tables]]
table = "visits"
share = 1
cap = {CAP_VISITS}
[[tables]]
table = "od_flows"
share = 1
cap = {CAP_TRIPS}
"""


@pytest.fixture(scope="module")
def checkins(real_data: Path) -> pd.DataFrame:
    frame = pd.read_parquet(real_data / "foursquare_nyc" / "checkins.parquet")
    frame["time"] = pd.Timestamp(ORIGIN) + pd.to_timedelta(frame["minute"], unit="min")
    return frame


@pytest.fixture(scope="module")
def located(checkins: pd.DataFrame, real_data: Path) -> pd.DataFrame:
    """Check-ins of the month in time order with mobility date and district, found by geopandas."""
    districts = gpd.read_file(real_data / "foursquare_nyc" / "community_districts.geojson")
    points = gpd.GeoDataFrame(
        checkins, geometry=gpd.points_from_xy(checkins["lon"], checkins["lat"]), crs="EPSG:4326"
    )
    joined = points.sjoin(districts[["BoroCD", "geometry"]], how="left", predicate="within")
    joined["zone"] = joined["BoroCD"].fillna(-1).astype(int).astype(str)
    local = joined["time"].dt.tz_convert(ZONE) - pd.Timedelta(hours=4)
    joined["date"] = local.dt.date
    inside = joined[joined["date"].between(START, START + dt.timedelta(days=DAYS - 1))]
    return inside.sort_values(["uid", "time", "zone"])


@pytest.fixture(scope="module")
def released(
    checkins: pd.DataFrame, real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> pipelines.Release:
    home = tmp_path_factory.mktemp("nyc")
    checkins[["uid", "time", "lat", "lon"]].to_parquet(home / "checkins.parquet")
    source = real_data / "foursquare_nyc" / "community_districts.geojson"
    (home / "districts.geojson").write_bytes(source.read_bytes())
    (home / "policy.toml").write_text(POLICY, encoding="utf-8")
    (home / "release.toml").write_text(SPEC, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MURMURATION_ANCHORS", str(home / "anchors"))
        Ledger.create(home / "city.ledger", load_policy(home / "policy.toml")).close()
        folder = pipelines.release(pipelines.load_spec(home / "release.toml"))
    return pipelines.read_release(folder)


def _errors_in_sd(frame: pd.DataFrame, keys: list[str], truth: pd.Series) -> np.ndarray:
    measured = frame[frame["status"] != "structural_zero"]
    index = pd.MultiIndex.from_arrays([measured[key].astype(str) for key in keys])
    true = truth.reindex(index, fill_value=0).to_numpy()
    return (measured["value"].to_numpy() - true) / measured["sd"].to_numpy()


def _assert_unit_noise(z: np.ndarray, name: str) -> None:
    print(f"{name}: {z.size} cells, mean {z.mean():+.3f} sd, spread {z.std():.3f} sd")
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert abs(z.std() - 1) < 4 / np.sqrt(2 * z.size)


def test_visits_differ_from_the_true_counts_by_their_noise(
    released: pipelines.Release, located: pd.DataFrame
) -> None:
    inside = located[located["zone"] != "-1"].drop_duplicates(["date", "uid", "zone"])
    by_person = inside.groupby(["date", "uid"])["zone"].transform("size")
    weight = np.minimum(1, np.sqrt(CAP_VISITS / by_person))
    truth = weight.groupby([inside["date"].astype(str), inside["zone"]]).sum()
    frame = released["visits"]
    assert len(frame) == DAYS * 71
    _assert_unit_noise(_errors_in_sd(frame, ["date", "zone"], truth), "visits")


def test_flows_differ_from_the_true_trips_by_their_noise(
    released: pipelines.Release, located: pd.DataFrame
) -> None:
    key = [located["uid"], located["date"]]
    onward = located.groupby(key)[["zone", "lat", "lon"]].shift(-1)
    north = (onward["lat"] - located["lat"]) * 111_195
    east = (onward["lon"] - located["lon"]) * 111_195 * np.cos(np.radians(40.7))
    moved = located[
        (located["zone"] != onward["zone"])
        & onward["zone"].notna()
        & (located["zone"] != "-1")
        & (onward["zone"] != "-1")
        & (np.hypot(north, east) >= 500)
    ].assign(destination=onward["zone"])
    trips = moved.groupby(["date", "uid", "zone", "destination"]).size().rename("v").reset_index()
    norm = trips.assign(square=trips["v"] ** 2).groupby(["date", "uid"])["square"].transform("sum")
    trips["w"] = trips["v"] * np.minimum(1, np.sqrt(CAP_TRIPS / norm))
    truth = trips.groupby([trips["date"].astype(str), "zone", "destination"])["w"].sum()
    frame = released["od_flows"]
    assert len(frame) == DAYS * 71 * 71
    _assert_unit_noise(_errors_in_sd(frame, ["date", "origin", "destination"], truth), "od_flows")
