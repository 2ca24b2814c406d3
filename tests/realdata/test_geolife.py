"""A week of GPS fixes around Beijing over a grid, all four tables, against the slow reference."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import pipelines
from dp.ledger import Ledger
from pipelines.schemas.calendar import Calendar
from pipelines.schemas.traces import TraceParams
from pipelines.spec import load_policy

sys.path.insert(0, str(Path(__file__).parents[1] / "pipelines" / "traces"))

import reference

pytestmark = pytest.mark.realdata

ZONE = "Asia/Shanghai"
START, DAYS = dt.date(2008, 12, 1), 7
WEST, SOUTH, EAST, NORTH = 116.10, 39.80, 116.55, 40.10
PARAMS = TraceParams()
CALENDAR = Calendar(time_zone=ZONE, day_starts=dt.time(4), start=START, days=DAYS)
POLICY = f"""
cap_rho = "1/2"
window_days = 30
ids_per_person_per_date = 1
id_rotation = "never"
time_zone = "{ZONE}"
day_starts = "04:00"
population = 17000000
"""
SPEC = f"""
title = "GPS fixes, Beijing"
dates = {{ start = {START}, days = {DAYS} }}
[series]
ledger = "city.ledger"
policy = "policy.toml"
[zones]
grid = {{ cell_m = 4000, boundary = "box.geojson" }}
[[sources]]
kind = "pings"
path = "pings.parquet"
naive_time_zone = "UTC"
columns = {{ person = "person_id", time = "timestamp", lat = "lat", lon = "lon" }}
[[tables]]
table = "panel"
[[tables]]
table = "presence"
share = 4
[[tables]]
table = "visits"
cap = 40
[[tables]]
table = "od_flows"
cap = 400
"""
Truth = dict[str, Counter[tuple[str, ...]]]


@pytest.fixture(scope="module")
def released(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> pipelines.Release:
    home = tmp_path_factory.mktemp("beijing")
    source = real_data / "geolife_cut" / "pings.parquet"
    (home / "pings.parquet").write_bytes(source.read_bytes())
    ring = [[WEST, SOUTH], [EAST, SOUTH], [EAST, NORTH], [WEST, NORTH], [WEST, SOUTH]]
    box = {"type": "Polygon", "coordinates": [ring]}
    collection = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {}, "geometry": box}],
    }
    (home / "box.geojson").write_text(json.dumps(collection), encoding="utf-8")
    (home / "policy.toml").write_text(POLICY, encoding="utf-8")
    (home / "release.toml").write_text(SPEC, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MURMURATION_ANCHORS", str(home / "anchors"))
        Ledger.create(home / "city.ledger", load_policy(home / "policy.toml")).close()
        folder = pipelines.release(pipelines.load_spec(home / "release.toml"))
    return pipelines.read_release(folder)


def _records(real_data: Path, zones: gpd.GeoDataFrame) -> dict[tuple[str, int], list]:
    """Fixes of the week by person and date; the zone found by geopandas, not by our lookup."""
    fixes = pd.read_parquet(real_data / "geolife_cut" / "pings.parquet")
    points = gpd.GeoDataFrame(
        fixes, geometry=gpd.points_from_xy(fixes["lon"], fixes["lat"]), crs="EPSG:4326"
    )
    numbers = zones[["geometry"]].assign(number=range(len(zones)))
    found = points.sjoin(numbers, how="left", predicate="within")
    instants = found["timestamp"].dt.tz_localize("UTC").astype("datetime64[s, UTC]").astype("int64")
    people: dict[tuple[str, int], list] = defaultdict(list)
    rows = zip(
        found["person_id"], instants, found["number"], found["lat"], found["lon"], strict=True
    )
    for person, instant, number, lat, lon in rows:
        for day in CALENDAR.dates:
            if day.start_s <= instant < day.end_s:
                t = int(instant) - day.start_s
                zone = -1 if np.isnan(number) else int(number)
                where = {
                    "lat_e7": int(np.floor(lat * 1e7 + 0.5)),
                    "lon_e7": int(np.floor(lon * 1e7 + 0.5)),
                }
                people[person, day.index].append(reference.fix(t, zone, person, day.index, **where))
    return people


@pytest.fixture(scope="module")
def truth(real_data: Path, released: pipelines.Release) -> Truth:
    zones = released.zones
    ids = [str(zone) for zone in zones["zone"]]
    cosine_ppm = round(np.cos(np.radians(zones.total_bounds[[1, 3]].mean())) * 1e6)
    counts: Truth = {name: Counter() for name in ("panel", "presence", "visits", "od_flows")}
    for (_, d), records in _records(real_data, zones).items():
        day = CALENDAR.dates[d]
        date = day.date.isoformat()
        runs = reference.runs(records, day, PARAMS)
        stays = reference.stays(runs, PARAMS)
        bins = reference.zones_of_bins(runs, day, 3600)
        if reference.is_observed(runs):
            night = reference.overnight(runs, day, PARAMS)
            label = reference.hours_label(len(bins))
            counts["panel"][date, "unknown" if night < 0 else ids[night], label] += 1
        for k, zone in bins.items():
            counts["presence"][date, str(k), ids[zone]] += 1
        for zone in {stay.zone for stay in stays if stay.zone >= 0}:
            counts["visits"][date, ids[zone]] += 1
        for trip in reference.trips(stays, PARAMS, cosine_ppm):
            counts["od_flows"][date, ids[trip.origin], ids[trip.destination]] += 1
    return counts


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        ("panel", ["date", "overnight", "observed_hours"]),
        ("presence", ["date", "bin", "zone"]),
        ("visits", ["date", "zone"]),
        ("od_flows", ["date", "origin", "destination"]),
    ],
)
def test_a_table_differs_from_the_true_counts_by_its_noise(
    released: pipelines.Release, truth: Truth, table: str, keys: list[str]
) -> None:
    frame = released[table]
    measured = frame[frame["status"] != "structural_zero"]
    cells = list(zip(*(measured[key].astype(str) for key in keys), strict=True))
    true = np.array([truth[table][cell] for cell in cells])
    assert true.sum() == sum(truth[table].values()) > 0
    z = (measured["value"].to_numpy() - true) / measured["sd"].to_numpy()
    print(
        f"{table}: {z.size} cells, truth {true.sum()}, sd {measured['sd'].iloc[0]:.1f}, "
        f"mean {z.mean():+.3f} sd, spread {z.std():.3f} sd"
    )
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert abs(z.std() - 1) < 4 / np.sqrt(2 * z.size)
