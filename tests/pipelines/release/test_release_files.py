"""Rows and files: every key once, right types, and bytes that depend on the rows alone."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dp.keys import Key, KeySet
from dp.law import NoiseLaw
from dp.loss import Loss, Rho
from dp.tables import Noisy
from pipelines.release.columns import schema_of
from pipelines.release.files import CsvFile, ParquetFile
from pipelines.release.frames import Shape, measurement_rows, shape_of, table_rows
from pipelines.release.status import STATUSES
from pipelines.schemas.calendar import Calendar
from pipelines.tables import TABLES

# Clocks go back in New York on 2026-11-01: the mobility day 2026-10-31 has 25 hours.
AUTUMN = Calendar(
    time_zone="America/New_York", day_starts=dt.time(4), start=dt.date(2026, 10, 31), days=2
)
ZONES = ("b,1", 'a"2', "ü")
LAW = NoiseLaw("discrete_gaussian", 10.0, 4)


def _noisy(keys: KeySet, table: str, *, law: NoiseLaw = LAW) -> Noisy:
    lattice = np.arange(keys.size, dtype=np.int64) * 7 - 211
    lattice[~keys.measured] = 0
    return Noisy(
        table=table,
        reads=(AUTUMN.start,),
        keys=keys,
        law=law,
        loss=Loss(Rho.of("1/60")),
        lattice=lattice,
    )


def _presence(hours: int) -> KeySet:
    return KeySet((Key("bin", tuple(range(hours))), Key("zone", ZONES)))


def _flows() -> KeySet:
    return KeySet(
        (Key("origin", ZONES), Key("destination", ZONES)), distinct=(("origin", "destination"),)
    )


def _shape(table: str, *keys: KeySet) -> Shape:
    return shape_of(
        TABLES[table], keys=list(keys), calendar=AUTUMN, bin_s=3600, max_relative_sd=0.3
    )


def _written(folder: Path, *rows: pa.Table) -> tuple[Path, Path]:
    parquet, text = folder / "t.parquet", folder / "t.csv"
    with ParquetFile(parquet, rows[0].schema) as one, CsvFile(text, rows[0].schema) as two:
        for part in rows:
            one.write(part)
            two.write(part)
    return parquet, text


def test_a_date_has_one_row_for_every_key_in_published_order() -> None:
    keys = _presence(24)
    rows = table_rows(_noisy(keys, "presence"), day=AUTUMN.dates[1], shape=_shape("presence", keys))
    frame = rows.to_pandas()
    assert list(frame.columns) == [
        *("date", "bin", "bin_start", "zone", "value", "sd", "lo95", "hi95", "status")
    ]
    assert frame["zone"].astype(str).tolist() == list(ZONES) * 24
    assert frame["bin"].tolist() == [b for b in range(24) for _ in ZONES]
    assert set(frame["date"]) == {dt.date(2026, 11, 1)}
    assert frame["value"].tolist() == [(7 * i - 211) / 4 for i in range(72)]


def test_the_repeated_hour_of_a_clock_change_has_two_rows_with_different_offsets(
    tmp_path: Path,
) -> None:
    long, usual = _presence(25), _presence(24)
    shape = _shape("presence", long, usual)
    parts = [
        table_rows(_noisy(keys, "presence"), day=day, shape=shape)
        for keys, day in zip((long, usual), AUTUMN.dates, strict=True)
    ]
    parquet, text = _written(tmp_path, *parts)
    frame = pq.read_table(parquet).to_pandas()
    assert str(frame["bin_start"].dtype) == "datetime64[ms, America/New_York]"
    assert len(frame) == (25 + 24) * 3
    assert frame["bin_start"].nunique() == 49
    with text.open(encoding="utf-8", newline="") as file:
        starts = list(dict.fromkeys(row["bin_start"] for row in csv.DictReader(file)))
    assert len(starts) == 49
    assert "2026-11-01T01:00:00-04:00" in starts
    assert "2026-11-01T01:00:00-05:00" in starts


def test_structural_zeros_are_exactly_zero_and_carry_no_noise() -> None:
    keys = _flows()
    frame = table_rows(
        _noisy(keys, "od_flows"), day=AUTUMN.dates[0], shape=_shape("od_flows", keys)
    ).to_pandas()
    same = frame["origin"].astype(str) == frame["destination"].astype(str)
    assert same.sum() == 3
    assert (frame.loc[same, ["value", "sd", "lo95", "hi95"]] == 0).all(axis=None)
    assert set(frame.loc[same, "status"]) == {"structural_zero"}
    assert (frame.loc[~same, "sd"] == LAW.sd).all()
    assert not (frame.loc[~same, "status"] == "structural_zero").any()


def test_low_precision_follows_from_noisy_values_alone() -> None:
    keys = _presence(24)
    frame = table_rows(
        _noisy(keys, "presence"), day=AUTUMN.dates[1], shape=_shape("presence", keys)
    ).to_pandas()
    ok = frame["status"] == "ok"
    assert ok.any()
    assert (~ok).any()
    assert (ok == (frame["sd"] <= 0.3 * frame["value"])).all()
    assert list(frame["status"].cat.categories) == list(STATUSES)


def test_intervals_have_the_law_s_half_width() -> None:
    keys = _presence(24)
    frame = table_rows(
        _noisy(keys, "presence"), day=AUTUMN.dates[1], shape=_shape("presence", keys)
    ).to_pandas()
    half = LAW.half_width(0.95)
    np.testing.assert_allclose(frame["hi95"] - frame["value"], half)
    np.testing.assert_allclose(frame["value"] - frame["lo95"], half)


def test_layer_one_gives_back_the_lattice_and_its_law() -> None:
    keys = _flows()
    noisy = _noisy(keys, "od_flows")
    frame = measurement_rows(noisy, day=AUTUMN.dates[0], shape=_shape("od_flows", keys)).to_pandas()
    assert frame["lattice"].tolist() == noisy.lattice.tolist()
    assert set(frame["factor"]) == {4}
    assert frame["scale"].tolist() == [10.0 if m else 0.0 for m in keys.measured]
    assert frame["noise"].astype(str).tolist() == [
        "discrete_gaussian" if m else "none" for m in keys.measured
    ]


def test_csv_and_parquet_hold_the_same_rows_to_the_last_bit(tmp_path: Path) -> None:
    keys = _presence(24)
    law = NoiseLaw("discrete_gaussian", 10.1, 4096 * 3)
    rows = table_rows(
        _noisy(keys, "presence", law=law), day=AUTUMN.dates[1], shape=_shape("presence", keys)
    )
    parquet, text = _written(tmp_path, rows)
    left = pq.read_table(parquet).to_pandas()
    with text.open(encoding="utf-8", newline="") as file:
        right = list(csv.DictReader(file))
    assert len(left) == len(right)
    for name in ("value", "sd", "lo95", "hi95"):
        assert left[name].tolist() == [float(row[name]) for row in right]
    for name in ("bin", "date", "zone", "status"):
        assert left[name].astype(str).tolist() == [row[name] for row in right]


def test_the_same_rows_give_the_same_bytes_and_no_pandas_metadata(tmp_path: Path) -> None:
    keys = _flows()
    rows = table_rows(_noisy(keys, "od_flows"), day=AUTUMN.dates[0], shape=_shape("od_flows", keys))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        _written(tmp_path / name, rows)
    for name in ("t.parquet", "t.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert set(pq.read_metadata(tmp_path / "one" / "t.parquet").metadata) == {b"ARROW:schema"}


def test_no_published_column_may_hold_a_null() -> None:
    keys = _presence(24)
    shape = _shape("presence", keys)
    rows = table_rows(_noisy(keys, "presence"), day=AUTUMN.dates[1], shape=shape)
    assert all(column.null_count == 0 for column in rows.columns)
    assert not any(field.nullable for field in schema_of(shape.columns))


@pytest.mark.parametrize("values", [[0.1], [1e-17], [123456789.125], [-0.0]])
def test_floats_in_csv_read_back_to_the_same_number(tmp_path: Path, values: list[float]) -> None:
    table = pa.table({"value": pa.array(values)})
    with CsvFile(tmp_path / "t.csv", table.schema) as file:
        file.write(table)
    assert float((tmp_path / "t.csv").read_text().split("\n")[1]) == values[0]
