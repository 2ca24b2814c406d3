"""A small folder with everything that a spec names, and a few declared tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import pytest
from pydantic import Field, model_validator

import pipelines.derived  # noqa: F401  it binds the real tables before they are replaced
from pipelines.schemas.measured import CappedParams, Measured, TableParams

SPEC = """\
title = "Daily mobility, Bucheon"
dates = { start = 2026-03-02, days = 7 }
[series]
ledger = "bucheon.ledger"
policy = "policy.toml"
[zones]
file = "dongs.geojson"
id = "code"
[[sources]]
kind = "pings"
path = "pings/*.parquet"
columns = { person = "subscriber", time = "ts", lat = "lat", lon = "lon" }
[[tables]]
table = "presence"
share = 9
[[tables]]
table = "od_flows"
share = 7
cap = 4
"""

POLICY = """\
cap_rho = "1/2"
cap_delta = "1e-9"
window_days = 30
ids_per_person_per_date = 1
id_rotation = "never"
time_zone = "Asia/Seoul"
day_starts = "04:00"
population = 850000
"""


class _Presence(TableParams):
    bin_minutes: int = Field(default=60, ge=15, le=1440)
    """Length of a bin."""


class _Flows(CappedParams):
    day_parts: tuple[str, ...] = ()
    """Parts of a day."""
    form: Literal["pairs", "matrix"] = "pairs"
    """Shape."""

    @model_validator(mode="after")
    def _unlike(self) -> _Flows:
        if len(set(self.day_parts)) != len(self.day_parts):
            raise ValueError("day_parts repeats a part. Name each once")
        return self


def _measured(name: str, params: type[TableParams]) -> Measured:
    def never(*_: Any) -> Any:
        raise AssertionError("loading a spec calls no table")

    return Measured(
        name=name,
        summary=f"The table {name}.",
        counts="persons",
        params=params,
        needs=frozenset(),
        columns={},
        keys=never,
        statement=never,
        rule=never,
    )


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = {
        "panel": _measured("panel", TableParams),
        "presence": _measured("presence", _Presence),
        "visits": _measured("visits", CappedParams),
        "od_flows": _measured("od_flows", _Flows),
    }
    monkeypatch.setattr("pipelines.tables.TABLES", MappingProxyType(declared), raising=False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder in which ``SPEC`` and ``POLICY`` load without faults."""
    (tmp_path / "pings").mkdir()
    for name in ("dongs.geojson", "city.geojson", "pings/a.parquet", "map.csv", "visits.csv"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "policy.toml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "release.toml").write_text(SPEC, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def change(folder: Path) -> Callable[..., Path]:
    """Replace parts of the spec (or policy) and return its path, relative to the folder."""

    def changed(*swaps: tuple[str, str], file: str = "release.toml") -> Path:
        path = folder / file
        text = path.read_text(encoding="utf-8")
        for old, new in swaps:
            assert old in text, f"{old!r} is not in the file: the test would change nothing"
            text = text.replace(old, new, 1)
        path.write_text(text, encoding="utf-8")
        return Path(file)

    return changed
