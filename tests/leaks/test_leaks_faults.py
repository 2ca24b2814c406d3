"""Every kind of fault, with strange people in the data: a line, a code, and no word of them."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from canaries import DEVICE, LAT, LON, PERSON, WORDS, found_in, leaks
from typer.testing import CliRunner

from dp.ledger import Ledger, verify
from pipelines.cli.app import app
from pipelines.engines.duckdb import run as running
from pipelines.release import totals
from pipelines.spec import load_policy
from pipelines.twin import CitySettings, make_city

Break = Callable[[Path, pytest.MonkeyPatch], None]
RECORD = f"{PERSON},2026-03-02T10:00:00+09:00,{LAT},{LON}"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    city = tmp_path_factory.mktemp("model") / "city"
    small = CitySettings(zones=5, pings_per_person=20.0)
    make_city(city, people=80, days=1, start=dt.date(2026, 3, 2), seed=7, settings=small)
    path = min((city / "pings").glob("*.parquet"))
    rows = pq.read_table(path)
    more = {
        "subscriber": pa.array([PERSON, DEVICE], rows["subscriber"].type),
        "ts": rows["ts"].combine_chunks().slice(0, 2),
        "lat": pa.array([LAT] * 2),
        "lon": pa.array([LON] * 2),
    }
    extra = pa.table({name: more[name] for name in rows.column_names}, schema=rows.schema)
    pq.write_table(pa.concat_tables([rows, extra]), path)
    return city


def _no_header(city: Path, _patch: pytest.MonkeyPatch) -> None:
    (city / "checkins.csv").write_text(f"{RECORD}\n{RECORD}\n")


def _footer(city: Path, _patch: pytest.MonkeyPatch) -> None:
    path = min((city / "pings").glob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-9])


def _other_type(city: Path, _patch: pytest.MonkeyPatch) -> None:
    path = min((city / "pings").glob("*.parquet"))
    rows = pq.read_table(path)
    at = rows.column_names.index("lat")
    pq.write_table(rows.set_column(at, "lat", pa.array([WORDS] * len(rows))), path)


def _two_persons(city: Path, _patch: pytest.MonkeyPatch) -> None:
    with (city / "devices.csv").open("a") as file:
        file.write(f"{DEVICE},{PERSON}\n{DEVICE},{WORDS}\n")


def _lost_line(city: Path, _patch: pytest.MonkeyPatch) -> None:
    with (city / "optout.csv").open("a") as file:
        file.write(f'"{PERSON}\n{WORDS},{DEVICE}\n')


def _engine(_city: Path, patch: pytest.MonkeyPatch) -> None:
    def quoting(con: running.duckdb.DuckDBPyConnection, *_: object, **__: object) -> None:
        con.execute(f"SELECT CAST('{PERSON}' AS INTEGER)")

    patch.setattr(running, "make_people", quoting)


def _bug(_city: Path, patch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise KeyError(f"{PERSON} at {LAT}, {LON}")

    patch.setattr(totals, "job_of", failing)


def _interrupt(_city: Path, patch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt(PERSON)

    patch.setattr(running, "make_people", stopped)


def _memory(_city: Path, patch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError(PERSON)

    patch.setattr(running, "make_people", exhausted)


FAULTS: dict[str, tuple[Break, int]] = {
    "a CSV file without a header": (_no_header, 3),
    "a cut Parquet file": (_footer, 3),
    "degrees that are text": (_other_type, 3),
    "an id of two persons": (_two_persons, 3),
    "a lost line of an opt-out": (_lost_line, 3),
    "a statement that fails": (_engine, 1),
    "a fault of the program": (_bug, 1),
    "an interrupt": (_interrupt, 130),
    "too little memory": (_memory, 6),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_shows_nothing_of_the_data_and_costs_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    breaking, code = FAULTS[name]
    monkeypatch.setenv("MURMURATION_ANCHORS", str(tmp_path / "anchors"))
    city = tmp_path / "city"
    shutil.copytree(model, city)
    Ledger.create(city / "city.ledger", load_policy(city / "policy.toml")).close()
    monkeypatch.chdir(city)
    with monkeypatch.context() as patch:
        breaking(city, patch)
        done = CliRunner().invoke(app, ["release", "release.toml"])
    assert done.exit_code == code, done.output
    said = [x for x in done.stderr.splitlines() if not re.fullmatch(r"[A-Za-z ]+: \d+%", x)]
    assert said
    assert all(line.startswith("error: ") for line in said), done.stderr
    assert found_in(done.output.encode()) == []
    private = shutil.ignore_patterns("pings", "work", "*.csv")
    shutil.copytree(tmp_path, tmp_path / "left", ignore=private)
    assert leaks(tmp_path / "left") == {}
    assert verify(city / "city.ledger") == []
    with Ledger.open(city / "city.ledger") as ledger:
        assert ledger.reservations() == ()


def test_what_is_hidden_is_kept_where_it_is_private(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MURMURATION_ANCHORS", str(tmp_path / "anchors"))
    shutil.copytree(model, tmp_path / "city")
    monkeypatch.chdir(tmp_path / "city")
    Ledger.create(Path("city.ledger"), load_policy("policy.toml")).close()
    _bug(Path(), monkeypatch)
    assert CliRunner().invoke(app, ["release", "release.toml"]).exit_code == 1
    log = Path("work", "errors.log")
    assert PERSON in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o777 == 0o600
