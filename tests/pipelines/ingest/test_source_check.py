from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from ingest_desk import good_columns, pings, write

from pipelines.errors import SourceError
from pipelines.ingest.check import check_source
from pipelines.ingest.columns import Kind, csv_layout, parquet_layout
from pipelines.ingest.people import check_people

SECRET = "8211234567"


def test_a_good_source_passes_with_its_rows(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.parquet", **good_columns(3))
    checked = check_source(pings(tmp_path), 0)
    assert checked.table.layout.rows == 6
    assert checked.columns["time"].kind is Kind.ZONED
    assert set(checked.columns) == {"person", "time", "lat", "lon"}


FAULTS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no person column": ({"who": None}, {}, "has no column 'who'. Write one of its columns: 'ts'"),
    "real ids": ({"who": pa.array([1.5, 2.5])}, {}, "columns.person = 'who' holds double"),
    "lists as ids": ({"who": pa.array([[1], [2]])}, {}, "Write ids as text or integers"),
    "degrees as text": ({"lat": pa.array(["1", "2"])}, {}, "columns.lat = 'lat' holds string"),
    "times that are dates": (
        {"ts": pa.array([1, 2], pa.date32())},
        {},
        "columns.time = 'ts' holds date32",
    ),
    "real times": ({"ts": pa.array([1.0, 2.0])}, {}, "Write times as timestamps, text or integers"),
    "integers without a unit": (
        {"ts": pa.array([1, 2])},
        {},
        'holds int64 in .* Write time_unit = "s", "ms" or "us"',
    ),
    "naive times without a zone": (
        {"ts": pa.array([1, 2], pa.timestamp("ms"))},
        {},
        "Write naive_time_zone",
    ),
    "a unit for timestamps": ({}, {"time_unit": "s"}, "Leave out time_unit and time_format"),
    "a format for timestamps": ({}, {"time_format": "%Y"}, "Leave out time_unit and time_format"),
    "a wrong format": (
        {"ts": pa.array(["1", "2"])},
        {"time_format": "%Q"},
        "time_format '%Q': %Q is not known",
    ),
    "a format without a zone": (
        {"ts": pa.array(["1", "2"])},
        {"time_format": "%Y-%m-%d %H:%M"},
        "has no %z",
    ),
    "two columns but for case": (
        {"WHO": pa.array([1, 2])},
        {},
        "two columns named 'who', upper and lower case aside",
    ),
}


@pytest.mark.parametrize(("columns", "changes", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_a_schema_fault_names_source_file_column_and_fix(
    tmp_path: Path, columns: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    given = {k: v for k, v in (good_columns() | columns).items() if v is not None}
    file = write(tmp_path / "day.parquet", **given)
    with pytest.raises(SourceError, match=said) as caught:
        check_source(pings(file, **changes), 0)
    assert str(caught.value).startswith("sources[0]: ")
    assert "day.parquet" in str(caught.value) or "time_format" in str(caught.value)


def test_files_that_differ_in_a_mapped_column_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", **good_columns())
    write(tmp_path / "b.parquet", **good_columns() | {"who": pa.array(["x", "y"])})
    with pytest.raises(SourceError, match=r"'who' is int64 in a\.parquet, but string in b\.par"):
        check_source(pings(tmp_path), 0)


def test_other_columns_and_their_order_may_differ(tmp_path: Path) -> None:
    columns = good_columns()
    write(tmp_path / "a.parquet", **columns, more=pa.array([1, 2]))
    write(tmp_path / "b.parquet", **dict(reversed(columns.items())))
    assert check_source(pings(tmp_path), 0).table.layout.rows == 4


def test_a_column_missing_in_the_second_file_is_found(tmp_path: Path) -> None:
    columns = good_columns()
    write(tmp_path / "a.parquet", **columns)
    columns.pop("lon")
    write(tmp_path / "b.parquet", **columns)
    with pytest.raises(SourceError, match=r"b\.parquet has no column 'lon'"):
        check_source(pings(tmp_path), 0)


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_an_unreadable_parquet_file_is_named_and_not_quoted(tmp_path: Path, damage: str) -> None:
    file = write(tmp_path / "day.parquet", **good_columns())
    whole = file.read_bytes()
    file.write_bytes({"cut": whole[:-20], "text": SECRET.encode() * 9, "empty": b""}[damage])
    with pytest.raises(SourceError, match=r"day\.parquet cannot be read: it is damaged") as caught:
        check_source(pings(file), 0)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, mark: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(mark.join(["ts", '"who"', "lat", "lon", '"a,b;c"']) + "\n1\n")
    layout = csv_layout(file, label="s", wanted=("who", "ts"))
    assert layout.delimiter == mark
    assert layout.names == ("ts", "who", "lat", "lon", "a,b;c")
    assert {column.kind for column in layout.columns} == {Kind.UNTYPED}


def test_a_packed_csv_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    header = "\ufeffwho,ts,lat,lon\r\n"
    (tmp_path / "a.csv").write_bytes(header.encode())
    with gzip.open(tmp_path / "b.csv.gz", "wb") as file:
        file.write(header.encode())
    for name in ("a.csv", "b.csv.gz"):
        assert csv_layout(tmp_path / name, label="s", wanted=()).names[0] == "who"


def test_csv_files_must_share_their_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("who,ts,lat,lon\n")
    (tmp_path / "b.csv").write_text("ts,who,lat,lon\n")
    with pytest.raises(SourceError, match=r"the header of b\.csv is not that of a\.csv"):
        check_source(pings(tmp_path), 0)


def test_a_mapped_column_twice_in_a_header_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("who,ts,lat,lon,who\n")
    with pytest.raises(SourceError, match="two columns named 'who'"):
        check_source(pings(tmp_path / "a.csv"), 0)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00w", b"\n"])
def test_a_csv_without_a_header_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.csv"):
        check_source(pings(tmp_path), 0)


KINDS = [
    (pa.int8(), Kind.INTEGER),
    (pa.uint32(), Kind.INTEGER),
    (pa.uint64(), Kind.WIDE),
    (pa.float32(), Kind.NUMBER),
    (pa.decimal128(9, 6), Kind.NUMBER),
    (pa.string(), Kind.TEXT),
    (pa.large_string(), Kind.TEXT),
    (pa.dictionary(pa.int32(), pa.string()), Kind.TEXT),
    (pa.timestamp("ms"), Kind.NAIVE),
    (pa.timestamp("us", tz="UTC"), Kind.ZONED),
    (pa.timestamp("ns"), Kind.NAIVE_NS),
    (pa.timestamp("ns", tz="Asia/Seoul"), Kind.ZONED_NS),
    (pa.bool_(), Kind.OTHER),
    (pa.binary(), Kind.OTHER),
]


@pytest.mark.parametrize(("kind", "expected"), KINDS, ids=[str(kind) for kind, _ in KINDS])
def test_kinds_are_told_from_the_footer(tmp_path: Path, kind: pa.DataType, expected: Kind) -> None:
    file = write(tmp_path / "a.parquet", x=pa.array([None], kind))
    assert parquet_layout(file, label="s").columns[0].kind is expected


def test_the_id_map_has_two_columns_and_the_exclusions_one(tmp_path: Path) -> None:
    one = write(tmp_path / "one.parquet", a=["x"])
    two = write(tmp_path / "two.parquet", a=["x"], b=["y"])
    times = write(tmp_path / "times.parquet", a=pa.array([1], pa.timestamp("s")))
    assert check_people(two, one).id_map is not None
    with pytest.raises(SourceError, match=r"people\.id_map: .* must have 2 column"):
        check_people(one, None)
    with pytest.raises(SourceError, match=r"people\.exclusions: .* must have 1 column"):
        check_people(None, two)
    with pytest.raises(SourceError, match=r"people\.exclusions: column 'a' .* holds timestamp"):
        check_people(None, times)
