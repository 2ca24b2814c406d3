"""Tables as files whose bytes depend on their rows alone.

No time, no host and no pandas metadata is written; floats in CSV are the shortest text that reads
back to the same number.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

_MUST_QUOTE = frozenset(',"\n\r')


class ParquetFile:
    """A Parquet file written one date at a time, so that memory holds one date."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(
            path, schema, compression="zstd", version="2.6", write_statistics=True
        )

    def write(self, rows: pa.Table) -> None:
        """Append rows as one row group."""
        self._writer.write_table(rows, row_group_size=max(1, rows.num_rows))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._writer.close()


class CsvFile:
    """A CSV file (UTF-8, RFC 4180 quotes, line feeds) written one date at a time."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._file.write(",".join(_quoted(name) for name in schema.names) + "\n")

    def write(self, rows: pa.Table) -> None:
        """Append rows."""
        columns = [_texts(rows.column(name)) for name in rows.column_names]
        lines = map(",".join, zip(*columns, strict=True))
        self._file.writelines(line + "\n" for line in lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()


def _texts(column: pa.ChunkedArray) -> list[str]:
    if pa.types.is_dictionary(column.type):
        return [text for chunk in column.chunks for text in _labels(chunk)]
    if pa.types.is_timestamp(column.type):
        return _stamps(column)
    if pa.types.is_floating(column.type):
        return [repr(value) for value in column.to_pylist()]
    return [str(value) for value in column.to_pylist()]


def _labels(chunk: pa.DictionaryArray) -> list[str]:
    words = [_quoted(word) for word in chunk.dictionary.to_pylist()]
    return [words[code] for code in chunk.indices.to_pylist()]


def _stamps(column: pa.ChunkedArray) -> list[str]:
    # by instant: aware datetimes of a repeated hour compare equal and would fall together
    instants_ms = column.cast(pa.int64()).to_pylist()
    zone = ZoneInfo(column.type.tz)
    texts = {ms: dt.datetime.fromtimestamp(ms // 1000, zone).isoformat() for ms in set(instants_ms)}
    return [texts[ms] for ms in instants_ms]


def _quoted(text: str) -> str:
    if _MUST_QUOTE.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'
