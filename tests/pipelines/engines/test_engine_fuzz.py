"""Whatever bytes a source holds: a result or a clear error, in time, and no value in the words."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engine_desk import job, run, source
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dp.errors import MurmurationError
from pipelines.ingest.source import StrataFile
from pipelines.schemas.strata import Stratum

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
CANARY = "CANARY7f3a91"
FUZZ = settings(
    max_examples=1500 if NIGHTLY else 12,
    deadline=60_000,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)

FIELDS = st.one_of(
    st.sampled_from(
        [
            CANARY,
            f'"{CANARY}',
            f'"{CANARY}"',
            f'{CANARY}""',
            *("", "7", "-1", "nan", "1e400", "37.5051", "126.8051", "99999999999999999999"),
            *("2026-03-02 10:00:00+09:00", "2026-03-02T10:00Z", "9999-12-31 23:59:59", "24:00"),
            *("\x00", "\ufeff", "\r", "\u2028", "'", "\\", "\x1f\x1e\x1f\x1e", "NULL", "0x1f"),
        ]
    ),
    st.text(st.characters(codec="utf-8"), max_size=6),
)
LINES = st.lists(FIELDS, max_size=6).map(",".join)
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", ""])
HEADERS = st.one_of(
    st.just("who,ts,lat,lon"),
    st.just("\ufeffwho,ts,lat,lon"),
    st.just("lon;lat;ts;who"),
    st.just('"who","ts","lat","lon","who2"'),
    st.just(f"{CANARY},2026-03-02 10:00:00+09:00,37.5051,126.8051"),
    LINES,
)
TEXTS = st.builds(
    lambda header, rows: (header + "".join(e + r for e, r in rows)).encode("utf-8", "replace"),
    HEADERS,
    st.lists(st.tuples(ENDS, LINES), max_size=6),
)
BYTES = st.one_of(TEXTS, TEXTS, TEXTS, st.binary(max_size=200))


def _cut(raw: bytes, part: float) -> bytes:
    return raw[: int(len(raw) * part)]


@contextmanager
def only_clear_errors() -> Iterator[None]:
    """Let errors of the project pass whose words, causes and traces hold no canary."""
    found = []
    try:
        yield
    except MurmurationError as fault:
        found.append(fault)
    for fault in found:
        assert fault.exit_code in {2, 3, 6}, str(fault)
        assert CANARY not in str(fault)
        assert CANARY not in "".join(traceback.format_exception(fault))


def _pings(path: Path, **changes: Any) -> Any:
    return source(path, kind="pings", lat="lat", lon="lon", **changes)


@FUZZ
@given(raw=BYTES, packed=st.booleans(), part=st.sampled_from([1.0, 1.0, 0.9, 0.5]))
def test_any_bytes_of_a_csv_file(raw: bytes, packed: bool, part: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / ("a.csv.gz" if packed else "a.csv")
        file.write_bytes(_cut(gzip.compress(raw), part) if packed else raw)
        with only_clear_errors():
            run(job(Path(folder) / "w", _pings(file)))


@FUZZ
@given(id_map=BYTES, exclusions=BYTES, strata=BYTES)
def test_any_bytes_of_the_files_about_persons(
    id_map: bytes, exclusions: bytes, strata: bytes
) -> None:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "a.csv").write_text(f"who,ts,lat,lon\n{CANARY},2026-03-02T10:00Z,37.505,126.805")
        for name, raw in (("map", id_map), ("out", exclusions), ("ages", strata)):
            (folder / f"{name}.csv").write_bytes(raw)
        ages = StrataFile(
            path=folder / "ages.csv", person="who", strata=(Stratum(name="ts", values=("7",)),)
        )
        for files in (
            {"id_map": folder / "map.csv"},
            {"exclusions": folder / "out.csv"},
            {"strata": ages},
        ):
            with only_clear_errors():
                run(job(folder / "w", _pings(folder / "a.csv"), **files))


TYPES: list[pa.DataType] = [
    *(pa.int8(), pa.uint64(), pa.int64(), pa.float16(), pa.float32(), pa.float64(), pa.bool_()),
    *(pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.binary(4), pa.null()),
    *(pa.decimal128(38, 10), pa.decimal256(60, 3), pa.date32(), pa.date64(), pa.time64("us")),
    *(pa.timestamp(u, z) for u in ("s", "ms", "us", "ns") for z in (None, "UTC", "Asia/Seoul")),
    *(pa.duration("ms"), pa.list_(pa.string()), pa.struct([("a", pa.string())])),
    *(pa.map_(pa.string(), pa.int64()), pa.dictionary(pa.int32(), pa.string())),
    *(pa.dictionary(pa.int8(), pa.int64()), pa.month_day_nano_interval()),
]


def _column(kind: pa.DataType) -> pa.Array | None:
    """Return three values of a type, a canary among them where texts fit, or None."""
    for values in ([CANARY, None, "7"], [7, None, -1], [b"CANA", None, b"\x00\xff\x00\xff"]):
        try:
            return pa.array(values, kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            pass
    return pa.nulls(3, kind)


def _parquet(kinds: list[pa.DataType], version: str, old_times: bool) -> bytes | None:
    table = pa.table(dict(zip(("who", "ts", "lat", "lon"), map(_column, kinds), strict=True)))
    sink = io.BytesIO()
    try:
        pq.write_table(table, sink, version=version, use_deprecated_int96_timestamps=old_times)
    except (pa.ArrowException, NotImplementedError):
        return None
    return sink.getvalue()


@FUZZ
@given(
    kinds=st.lists(st.sampled_from(TYPES), min_size=4, max_size=4),
    version=st.sampled_from(["1.0", "2.6"]),
    old_times=st.booleans(),
    unit=st.sampled_from([None, "s", "ms", "us"]),
)
def test_any_types_of_a_parquet_file(
    kinds: list[pa.DataType], version: str, old_times: bool, unit: Any
) -> None:
    raw = _parquet(kinds, version, old_times)
    if raw is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.parquet"
        file.write_bytes(raw)
        with only_clear_errors():
            run(job(Path(folder) / "w", _pings(file, time_unit=unit, naive_time_zone="UTC")))


@FUZZ
@given(
    kind=st.sampled_from([pa.int64(), pa.string()]),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=8
    ),
    part=st.sampled_from([1.0, 1.0, 0.97, 0.6]),
)
def test_any_changed_bytes_of_a_parquet_file(
    kind: pa.DataType, changes: list[tuple[float, int]], part: float
) -> None:
    raw = bytearray(_parquet([kind, pa.timestamp("us", "UTC"), *[pa.float64()] * 2], "2.6", False))
    for at, flip in changes:
        raw[int(at * len(raw))] ^= flip
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.parquet"
        file.write_bytes(_cut(bytes(raw), part))
        with only_clear_errors():
            run(job(Path(folder) / "w", _pings(file)))


def test_a_canary_in_the_words_would_be_found() -> None:
    with pytest.raises(AssertionError), only_clear_errors():
        raise MurmurationError(f"no such person: {CANARY}")
