"""Whatever a TOML file holds, loading it gives a spec or a SpecError, never anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import SpecError
from pipelines.spec import load_policy, load_spec

QUIET = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
KEYS = (
    "title dates start days issue series ledger policy rho_per_date cap_rho cap_delta window_days "
    "ids_per_person_per_date time_zone day_starts population zones file id name parent grid cell_m "
    "boundary h3 resolution sensitive sources kind path columns person time end lat lon zone "
    "naive_time_zone time_unit time_format people id_map exclusions traces min_trip_m tables table "
    "share cap bounding noise day_parts release folder work max_relative_sd report engine threads"
)
WORDS = (
    "presence od_flows visits pings duckdb series device never 1/2 1e-6 1e99999999 0/0 -1 .. * ** "
    "[ ~ ~nobody/x NUL C:\\x release.toml pings pings/*.parquet dongs.geojson 2026-02-30 04:00 UTC "
    "Asia/Seoul ../../etc/passwd ' \" nan inf weighting s %Y"
)
DATES = ["2026-03-02", "0001-01-01", "9999-12-31", "2026-03-02T04:00:00Z", "04:00:00", "nan", "inf"]


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return str(value)


text = st.one_of(
    st.sampled_from(WORDS.split()), st.text(st.characters(codec="utf-8"), max_size=20)
).map(json.dumps)
number = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
plain = st.one_of(
    text, number, st.sampled_from(["true", "false"]), st.sampled_from(DATES), st.just("''")
)
keys = st.one_of(st.sampled_from(KEYS.split()), st.text(st.characters(codec="ascii"), max_size=8))
values = st.recursive(
    plain,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=8,
)
documents = st.dictionaries(keys, values, max_size=6)


def _load(folder: Path, content: str) -> None:
    _load_bytes(folder, content.encode())


def _load_bytes(folder: Path, content: bytes) -> None:
    for name, load in (("fuzz.toml", load_spec), ("policy.toml", load_policy)):
        (folder / name).write_bytes(content)
        try:
            load(name)
        except SpecError as fault:
            for line in str(fault).splitlines():
                assert line.startswith(name), line
                assert line.isprintable(), line
                assert len(line) < 1000, line


@QUIET
@given(document=documents)
def test_any_document_gives_a_spec_or_clear_lines(folder: Path, document: dict[str, Any]) -> None:
    rows = [f"{json.dumps(key)} = {_toml(value)}" for key, value in document.items()]
    _load(folder, "\n".join(rows))


@QUIET
@given(content=st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_gives_a_spec_or_clear_lines(folder: Path, content: str) -> None:
    _load(folder, content)


@QUIET
@given(
    content=st.binary(max_size=60),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=4),
)
def test_any_bytes_give_a_spec_or_clear_lines(
    folder: Path, content: bytes, changes: list[tuple[float, int]]
) -> None:
    raw = bytearray((folder / "release.toml").read_bytes())
    for at, flip in changes:
        raw[int(at * len(raw))] ^= flip
    for one in (content, bytes(raw)):
        _load_bytes(folder, one)


@QUIET
@given(at=st.integers(0, 15), value=values)
def test_one_wild_value_in_a_right_spec(folder: Path, at: int, value: Any) -> None:
    rows = (folder / "release.toml").read_text(encoding="utf-8").splitlines()
    settable = [i for i, row in enumerate(rows) if " = " in row]
    row = settable[at % len(settable)]
    rows[row] = rows[row].split(" = ")[0] + " = " + _toml(value)
    _load(folder, "\n".join(rows))


@pytest.mark.parametrize("content", ["tables = [1, [], {}, {table = []}]", "sources = [[]]"])
def test_shapes_that_once_were_forgotten(folder: Path, content: str) -> None:
    _load(folder, content)
    with pytest.raises(SpecError):
        load_spec("fuzz.toml")
