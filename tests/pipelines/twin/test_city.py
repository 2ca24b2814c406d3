"""The synthetic city: same seed, same bytes; people who sleep at home; dirt that shows."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import shapely

from pipelines.spec import load_policy, load_spec
from pipelines.twin import CityFiles, CitySettings, make_city
from pipelines.twin.ground import make_ground

START = dt.date(2026, 3, 6)  # a Friday and a Saturday
PEOPLE, DAYS = 1_500, 2


def _city(folder: Path, **changes: object) -> CityFiles:
    wanted = {"people": PEOPLE, "days": DAYS, "start": START, "seed": 7} | changes
    return make_city(folder, **wanted)  # type: ignore[arg-type]


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> CityFiles:
    return _city(tmp_path_factory.mktemp("city"))


@pytest.fixture(scope="module")
def pings(city: CityFiles) -> dict[str, np.ndarray]:
    """Good fixes of both dates as columns, with hours since the first date's start."""
    table = pq.read_table(city.pings.parent)
    columns = {name: table[name].to_numpy() for name in ("lat", "lon")}
    ids = np.array([str(x) for x in table["subscriber"].to_pylist()])
    seconds = table["ts"].cast("timestamp[s]").to_numpy().astype("datetime64[s]")
    since = (seconds - np.datetime64("2026-03-05T19:00:00")) / np.timedelta64(3600, "s")
    good = (ids != "None") & (since >= 0) & (np.abs(columns["lat"] - 36.7) < 1)
    good &= np.abs(columns["lon"] - 127.2) < 1
    return {"id": ids[good], "hour": since[good]} | {k: v[good] for k, v in columns.items()}


def test_same_arguments_give_same_bytes(city: CityFiles, tmp_path: Path) -> None:
    _city(tmp_path)
    assert _digests(tmp_path) == _digests(city.folder)


def test_another_seed_moves_people_but_not_zones(city: CityFiles, tmp_path: Path) -> None:
    other = _digests(_city(tmp_path, seed=8).folder)
    here = _digests(city.folder)
    assert other["zones.geojson"] == here["zones.geojson"]
    assert other["pings/2026-03-06.parquet"] != here["pings/2026-03-06.parquet"]


def test_a_shorter_period_is_the_start_of_a_longer_one(city: CityFiles, tmp_path: Path) -> None:
    short = _digests(_city(tmp_path, days=1).folder)
    assert short["pings/2026-03-06.parquet"] == _digests(city.folder)["pings/2026-03-06.parquet"]


@pytest.mark.parametrize("zones", [4, 36, 500])
def test_zones_share_edges_exactly_and_leave_only_the_river(zones: int) -> None:
    ground = make_ground(zones)
    shapes = np.array(ground.shapes)
    assert len(set(ground.codes)) == len(set(ground.names)) == len(shapes) == zones
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes), "an edge is shared in part only"
    whole = shapely.union_all(shapes)
    assert shapely.get_num_geometries(whole) == 2, "the river cuts the city in two banks"
    assert shapely.area(shapes).sum() == pytest.approx(shapely.area(whole), rel=1e-12)
    grid = shapely.get_coordinates(shapes) * 1e6
    assert np.abs(grid - np.round(grid)).max() < 1e-3


def test_three_districts_and_declared_population(city: CityFiles) -> None:
    rows = [f["properties"] for f in json.loads(city.zones.read_text("utf-8"))["features"]]
    assert {row["district"] for row in rows} == {"Buk-gu", "Seo-gu", "Dong-gu"}
    assert sum(row["population"] for row in rows) == pytest.approx(PEOPLE * 10, rel=0.02)


def test_the_spec_and_the_policy_are_accepted(city: CityFiles) -> None:
    spec = load_spec(city.spec)
    assert [table.table for table in spec.tables] == ["panel", "presence", "visits", "od_flows"]
    assert spec.dates.start == START
    assert spec.dates.days == DAYS
    assert load_policy(city.policy).population == PEOPLE * 10


def test_pings_per_person_are_as_asked(pings: dict[str, np.ndarray]) -> None:
    assert len(pings["id"]) / PEOPLE / DAYS == pytest.approx(60, rel=0.06)


def test_nights_are_sparse_and_phones_differ(pings: dict[str, np.ndarray]) -> None:
    hour = pings["hour"] % 24
    night, day = (hour > 20).mean() / 4, ((hour > 6) & (hour < 18)).mean() / 12
    assert night < 0.4 * day
    _, fixes = np.unique(pings["id"], return_counts=True)
    low, high = np.quantile(fixes, [0.1, 0.9])
    assert high > 4 * low


def test_some_phones_are_silent_on_a_date(pings: dict[str, np.ndarray]) -> None:
    first = set(pings["id"][pings["hour"] < 24])
    second = set(pings["id"][pings["hour"] >= 24])
    assert 0.02 < 1 - len(first & second) / len(first | second) < 0.2


def test_most_people_spend_both_nights_in_one_place(pings: dict[str, np.ndarray]) -> None:
    nights = [_middle_places(pings, 20, 24), _middle_places(pings, 44, 48)]
    both = nights[0].keys() & nights[1].keys()
    assert len(both) > 0.3 * PEOPLE
    near = [np.hypot(*(nights[0][p] - nights[1][p])) < 150 for p in both]
    assert 0.85 < np.mean(near) < 0.995


def test_many_are_elsewhere_at_noon_of_a_working_day(pings: dict[str, np.ndarray]) -> None:
    night, noon = _middle_places(pings, 20, 24), _middle_places(pings, 6, 8)
    both = night.keys() & noon.keys()
    away = np.mean([np.hypot(*(night[p] - noon[p])) > 500 for p in both])
    assert 0.45 < away < 0.85


def _middle_places(
    pings: dict[str, np.ndarray], since_h: float, until_h: float
) -> dict[str, np.ndarray]:
    chosen = (pings["hour"] >= since_h) & (pings["hour"] < until_h)
    ids, place = pings["id"][chosen], np.column_stack([pings["lon"], pings["lat"]])[chosen]
    order = np.argsort(ids, kind="stable")
    starts = np.unique(ids[order], return_index=True)
    cut = np.split(place[order] * [89_200.0, 110_960.0], starts[1][1:])
    return {str(p): np.median(xy, axis=0) for p, xy in zip(starts[0], cut, strict=True)}


def test_some_people_are_out_of_town(city: CityFiles, pings: dict[str, np.ndarray]) -> None:
    shapes = [f["geometry"] for f in json.loads(city.zones.read_text("utf-8"))["features"]]
    whole = shapely.union_all(shapely.from_geojson([json.dumps(s) for s in shapes]))
    west, south, east, north = whole.bounds
    outside = (pings["lon"] < west - 0.02) | (pings["lon"] > east + 0.02)
    outside |= (pings["lat"] < south - 0.02) | (pings["lat"] > north + 0.02)
    assert 0.01 < outside.mean() < 0.1
    assert shapely.contains_xy(whole, pings["lon"], pings["lat"]).mean() > 0.85


def test_every_kind_of_bad_row_is_there(city: CityFiles) -> None:
    for path in sorted(city.pings.parent.iterdir()):
        table = pq.read_table(path)
        lat, lon = table["lat"].to_numpy(), table["lon"].to_numpy()
        assert table["subscriber"].null_count >= 1
        assert table["ts"].null_count >= 1
        assert table["lat"].null_count >= 1
        assert (lat > 90).any()
        assert (lon > 180).any()
        assert ((lat == 0) & (lon == 0)).any()
        early = [t for t in table["ts"].to_pylist() if t is not None and t.year == 2000]
        assert early
        assert table.to_pandas().duplicated().any()


def test_checkins_have_a_kind_of_place_and_their_own_dirt(city: CityFiles) -> None:
    assert city.checkins is not None
    as_text = pyarrow.csv.ConvertOptions(
        strings_can_be_null=True, column_types={"start": "string", "end": "string"}
    )
    rows = pyarrow.csv.read_csv(city.checkins, convert_options=as_text).to_pylist()
    good = [r for r in rows if r["subscriber"] and r["lat"] and r["start"] < r["end"]]
    assert {r["category"] for r in good} >= {"work", "school", "restaurant", "market", "leisure"}
    assert any(r["start"] == "soon" for r in rows)
    assert any(r["end"] < r["start"] for r in rows if r["start"] != "soon")
    assert any(r["lat"] is None for r in rows)


def test_second_phones_belong_to_people_in_the_data(
    city: CityFiles, pings: dict[str, np.ndarray]
) -> None:
    rows = pyarrow.csv.read_csv(city.devices).to_pylist()
    assert 0.03 * PEOPLE < len(rows) < 0.08 * PEOPLE
    seen = set(pings["id"])
    assert np.mean([row["phone"] in seen and row["person"] in seen for row in rows]) > 0.8


def test_clean_city_without_checkins(tmp_path: Path) -> None:
    settings = CitySettings(checkin_share=0, dirty_share=0, zones=5, opt_out_share=0)
    city = _city(tmp_path, people=40, days=1, settings=settings)
    assert city.checkins is None
    assert "checkins" not in city.spec.read_text("utf-8")
    assert pq.read_table(city.pings.parent)["ts"].null_count == 0
    load_spec(city.spec)


@pytest.mark.parametrize("people", [1, 2])
def test_the_smallest_city_has_all_its_files(people: int, tmp_path: Path) -> None:
    city = _city(tmp_path, people=people, days=1)
    assert city.spec.exists()
    assert city.devices.exists()


@pytest.mark.parametrize("wrong", [{"people": 0}, {"days": 0}])
def test_an_empty_city_is_refused(wrong: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs 1 person and 1 date"):
        _city(tmp_path, **wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"away_share": 1.2}, "away_share must lie between 0 and 1"),
        ({"zones": 3}, "zones must lie between 4 and 5000"),
        ({"panel_share": 0.0}, "panel_share"),
        ({"pings_per_person": -1.0}, "pings_per_person"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CitySettings(**wrong)  # type: ignore[arg-type]
