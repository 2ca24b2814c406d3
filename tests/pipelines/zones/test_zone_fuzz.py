"""Whatever a public file holds: zones, towers, outages, weights or a clear error, and in time."""

from __future__ import annotations

import datetime as dt
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from zone_truth import squares, write_zones

from dp.errors import MurmurationError
from pipelines.schemas.calendar import Calendar
from pipelines.schemas.zones import ZoneSet
from pipelines.spec.estimates import read_weights
from pipelines.spec.outages import read_outages
from pipelines.zones import load_zones
from pipelines.zones.sensitive import read_sensitive
from pipelines.zones.towers import TowerTable, load_towers

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
FUZZ = settings(
    max_examples=3000 if NIGHTLY else 25,
    deadline=60_000,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
THREE = squares((127.0, 37.5), (127.01, 37.5), (127.02, 37.5))
CALENDAR = Calendar(
    time_zone="Asia/Seoul", day_starts=dt.time(4), start=dt.date(2026, 3, 2), days=2
)

CELLS = st.one_of(
    st.sampled_from(
        [
            *("a", "b", "c", "*", "all", "", '"', '""', "a" * 140_000, "\x00", "\ufeff"),
            *("37.5", "127.01", "nan", "inf", "-inf", "1e400", "91", "-0", "0.5", "2"),
            *("2026-03-02", "2026-03-02T09:00", "2026-03-02T09:00+99:00", "9999-12-31T23:59"),
            *("0001-01-01T00:00", "2026-02-30", "2026-W10-1", "20260302"),
        ]
    ),
    st.text(st.characters(codec="utf-8"), max_size=5),
)
ROWS = st.lists(CELLS, max_size=6).map(",".join)


def _csv(*headers: str) -> st.SearchStrategy[bytes]:
    text = st.builds(
        lambda header, rows: "\n".join([header, *rows]).encode("utf-8", "replace"),
        st.one_of(st.sampled_from(headers), ROWS),
        st.lists(ROWS, max_size=5),
    )
    return st.one_of(text, text, text, st.binary(max_size=60))


def fault_of(read: Callable[[], object]) -> MurmurationError | None:
    """Return the clear error that reading ends in, None where there is none."""
    try:
        read()
    except MurmurationError as fault:
        return fault
    return None


def _clear(read: Callable[[Path], object], raw: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(raw)
        fault = fault_of(lambda: read(Path(folder) / name))
    if fault is not None:
        assert fault.exit_code in {2, 3}
        assert all(len(line) < 2000 for line in str(fault).splitlines())


@pytest.fixture(scope="module")
def zones(tmp_path_factory: pytest.TempPathFactory) -> ZoneSet:
    file = write_zones(tmp_path_factory.mktemp("z") / "z.geojson", THREE, code=["a", "b", "c"])
    return load_zones(file, id="code")


@FUZZ
@given(raw=_csv("id,lat,lon,since,until", "id,lat,lon"))
@example(raw=b"id,lat,lon\n" + b"a" * 140_000 + b",37.5,127.01")
def test_any_bytes_of_a_tower_table(zones: ZoneSet, raw: bytes) -> None:
    def read(path: Path) -> None:
        for assign, dated in (("containing", False), ("voronoi", True), ("majority", False)):
            columns: dict[str, Any] = {"valid_from": "since", "valid_to": "until"} if dated else {}
            table = TowerTable(path=path, id="id", lat="lat", lon="lon", **columns)
            load_towers(table, source="s", assign=assign, zones=zones, calendar=CALENDAR)  # type: ignore[arg-type]

    _clear(read, raw, "towers.csv")


@FUZZ
@given(raw=_csv("zone,from,to"))
@example(raw=b"zone,from,to\n" + b"a" * 140_000 + b",2026-03-02T09:00,2026-03-02T10:00")
@example(raw=b"zone,from,to\n*,0001-01-01T00:00,9999-12-31T23:59")
def test_any_bytes_of_an_outages_file(zones: ZoneSet, raw: bytes) -> None:
    from pipelines.release.outages import outages_of

    _clear(
        lambda path: outages_of(read_outages(path), calendar=CALENDAR, zones=zones),
        raw,
        "outages.csv",
    )


@FUZZ
@given(raw=_csv("zone,weight,sd_weight", "zone,weight,sd_weight,from,to,age"))
@example(raw=b"zone,weight,sd_weight\n" + b"a" * 140_000 + b",1,1")
def test_any_bytes_of_a_weights_file(raw: bytes) -> None:
    _clear(read_weights, raw, "weights.csv")


@FUZZ
@given(raw=_csv("zone", "zone,why"))
@example(raw=b"zone\n" + b"a" * 140_000)
def test_any_bytes_of_a_list_of_sensitive_zones(raw: bytes) -> None:
    _clear(lambda path: read_sensitive(path, ["a", "b", "c"]), raw, "sensitive.csv")


NUMBERS = st.one_of(
    st.sampled_from([0, -1, 181, 1e308, float("nan"), float("inf"), 127.005, 37.505, 10**400]),
    st.floats(-200, 200),
)
POINTS = st.one_of(st.lists(NUMBERS, max_size=4), st.none(), st.just("x"))
RINGS = st.lists(POINTS, max_size=6)
SHAPES = st.one_of(
    st.none(),
    st.just({}),
    st.builds(lambda c: {"type": "Polygon", "coordinates": [c]}, RINGS),
    st.builds(lambda c: {"type": "Polygon", "coordinates": c}, RINGS),
    st.builds(lambda c: {"type": "MultiPolygon", "coordinates": [[c]]}, RINGS),
    st.builds(lambda c: {"type": "Point", "coordinates": c}, POINTS),
    st.just({"type": "GeometryCollection", "geometries": []}),
    st.just(
        json.loads(
            json.dumps(
                {"type": "Polygon", "coordinates": [[[127, 37], [128, 37], [128, 38], [127, 37]]]}
            )
        )
    ),
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.just([1]),
    st.just({}),
)
FEATURES = st.lists(
    st.builds(
        lambda shape, properties: {"type": "Feature", "geometry": shape, "properties": properties},
        SHAPES,
        st.one_of(
            st.none(), st.dictionaries(st.sampled_from(["code", "people", "gu", "x"]), VALUES)
        ),
    ),
    max_size=4,
)
DOCUMENTS = st.one_of(
    st.builds(lambda f: {"type": "FeatureCollection", "features": f}, FEATURES),
    st.builds(
        lambda f, crs: {"type": "FeatureCollection", "features": f, "crs": crs},
        FEATURES,
        st.one_of(VALUES, st.just({"type": "name", "properties": {"name": "EPSG:99999"}})),
    ),
    FEATURES,
    VALUES,
)


def _load(path: Path) -> None:
    load_zones(path, id="code", parent="gu", population="people")


SQUARE = {"type": "Polygon", "coordinates": [[[127, 37], [128, 37], [128, 38], [127, 37]]]}
CROWD = {"type": "Feature", "geometry": SQUARE, "properties": {"code": 1, "people": 1.8e19}}


@FUZZ
@given(document=DOCUMENTS)
@example(document={"type": "FeatureCollection", "features": [CROWD]})
def test_any_document_as_zones(document: Any) -> None:
    _clear(_load, json.dumps(document).encode(), "zones.geojson")


@FUZZ
@given(
    kind=st.sampled_from(["geojson", "gpkg", "parquet", "shp"]),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=6
    ),
    part=st.sampled_from([1.0, 1.0, 0.9, 0.3, 0.0]),
)
def test_any_changed_bytes_of_a_zone_file(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    changes: list[tuple[float, int]],
    part: float,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = write_zones(
            Path(folder) / f"z.{kind}", THREE, code=["a", "b", "c"], gu=["x"] * 3, people=[1, 2, 3]
        )
        raw = bytearray(file.read_bytes())
        for at, flip in changes:
            raw[int(at * len(raw))] ^= flip
        file.write_bytes(raw[: int(len(raw) * part)])
        fault = fault_of(lambda: _load(file))
    assert fault is None or fault.exit_code == 3
