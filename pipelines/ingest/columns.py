"""Columns of a file: their names and the few kinds that ingest tells apart."""

from __future__ import annotations

import csv
import gzip
import zlib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import SourceError

DELIMITERS = (",", ";", "\t", "|")
_HEADER_BYTES = 1 << 20
_PARQUET = b"PAR1"
_MOST_COLUMNS = 5000


class Kind(Enum):
    """What a column holds, as far as reading it goes."""

    TEXT = "text"
    UNTYPED = "text of a CSV file, which has no types"
    INTEGER = "integers"
    WIDE = "integers above 64 bits with a sign"
    NUMBER = "numbers"
    NAIVE = "times without a zone"
    NAIVE_NS = "times without a zone, in nanoseconds"
    ZONED = "times with a zone"
    ZONED_NS = "times with a zone, in nanoseconds"
    OTHER = "something else"

    @property
    def text(self) -> bool:
        """Whether values are texts."""
        return self in {Kind.TEXT, Kind.UNTYPED}

    @property
    def times(self) -> bool:
        """Whether values are times that the file itself understands."""
        return self in {Kind.NAIVE, Kind.NAIVE_NS, Kind.ZONED, Kind.ZONED_NS}

    @property
    def zoned(self) -> bool:
        """Whether times carry their zone."""
        return self in {Kind.ZONED, Kind.ZONED_NS}

    @property
    def nanoseconds(self) -> bool:
        """Whether times are stored in nanoseconds."""
        return self in {Kind.NAIVE_NS, Kind.ZONED_NS}


_TESTS = {
    Kind.TEXT: (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
    Kind.WIDE: (pa.types.is_uint64,),
    Kind.INTEGER: (pa.types.is_integer,),
    Kind.NUMBER: (pa.types.is_float32, pa.types.is_float64, pa.types.is_decimal),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its name, its kind, and its type in the file's own words."""

    name: str
    kind: Kind
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The public facts of one file: columns in order, rows (exact or estimated), delimiter."""

    columns: tuple[Column, ...]
    rows: int
    delimiter: str = ","

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def typed(self) -> bool:
        """Whether the file says what its columns hold; a CSV file does not."""
        return all(column.kind is not Kind.UNTYPED for column in self.columns)


def parquet_layout(file: Path, *, label: str) -> Layout:
    """Return the layout of a Parquet file from its first word and its footer.

    Raises:
        SourceError: the file cannot be read as Parquet.
    """
    try:
        with file.open("rb") as raw:
            begins = raw.read(len(_PARQUET))
        with pq.ParquetFile(file) as opened:
            schema, physical = opened.schema_arrow, opened.schema
            rows = opened.metadata.num_rows
            int96 = {
                physical.column(i).path
                for i in range(len(physical))
                if physical.column(i).physical_type == "INT96"
            }
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise unreadable(file, label=label) from None
    if begins != _PARQUET:
        raise unreadable(file, label=label)
    return Layout(
        columns=tuple(
            Column(name=f.name, kind=_kind(f.type, int96=f.name in int96), type=str(f.type))
            for f in schema
        ),
        rows=rows,
    )


def csv_layout(file: Path, *, label: str, wanted: tuple[str, ...]) -> Layout:
    """Return the layout of a CSV file from its header line; every column is text.

    The delimiter is the one of comma, semicolon, tab and bar under which most of the wanted
    columns, and then most columns at all, are found.

    Raises:
        SourceError: the file is empty or not UTF-8 text, or its first line is no header: longer
            than 1 MiB, or of more than 5,000 fields.
    """
    line = _first_line(file, label=label)
    try:
        headers = {mark: next(csv.reader([line], delimiter=mark), []) for mark in DELIMITERS}
    except csv.Error:
        raise unreadable(file, label=label) from None

    def fit(mark: str) -> tuple[int, int]:
        return len(set(wanted) & set(headers[mark])), len(headers[mark])

    best = max(DELIMITERS, key=fit)
    if len(headers[best]) > _MOST_COLUMNS:
        raise unreadable(file, label=label)
    return Layout(
        columns=tuple(Column(name=n, kind=Kind.UNTYPED, type="text") for n in headers[best]),
        rows=_estimated_rows(file, header=line),
        delimiter=best,
    )


def unreadable(file: Path, *, label: str) -> SourceError:
    """Return the error for a file that is damaged or not what its name says."""
    return SourceError(
        f"{label}: {file} cannot be read: it is damaged, or not what its name says. "
        "Write the file again, or leave it out of path."
    )


def _first_line(file: Path, *, label: str) -> str:
    try:
        if file.name.lower().endswith(".gz"):
            with gzip.open(file) as opened:
                raw = opened.readline(_HEADER_BYTES)
        else:
            with file.open("rb") as opened:
                raw = opened.readline(_HEADER_BYTES)
        # Some files end their lines with a carriage return alone.
        first, end, _ = raw.replace(b"\r", b"\n").partition(b"\n")
        text = first.decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError, zlib.error):
        raise unreadable(file, label=label) from None
    if len(raw) == _HEADER_BYTES and not end:
        raise unreadable(file, label=label)
    if not text:
        raise SourceError(
            f"{label}: {file} has no header line. Write a first line with column names."
        )
    return text


def _estimated_rows(file: Path, *, header: str) -> int:
    packed = 6 if file.name.lower().endswith(".gz") else 1
    return file.stat().st_size * packed // max(len(header), 24)


def _kind(kind: pa.DataType, *, int96: bool) -> Kind:
    if pa.types.is_dictionary(kind):
        return _kind(kind.value_type, int96=int96)
    if pa.types.is_timestamp(kind):
        # The engine reads INT96 times as microseconds, whatever Arrow calls them.
        fine = kind.unit == "ns" and not int96
        if kind.tz is None:
            return Kind.NAIVE_NS if fine else Kind.NAIVE
        return Kind.ZONED_NS if fine else Kind.ZONED
    for found, tests in _TESTS.items():
        if any(test(kind) for test in tests):
            return found
    return Kind.OTHER
