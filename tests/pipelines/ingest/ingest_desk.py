"""What tests of ingest share: a DuckDB to run its SQL on, small files, sources."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.ingest.source import Source
from pipelines.schemas.calendar import Calendar

UTC = dt.UTC


def values(sql: str, texts: list[Any], kind: str = "VARCHAR") -> list[Any]:
    """Return what SQL over a column ``x`` gives for each of some values."""
    with duckdb.connect(config={"autoload_known_extensions": False}) as con:
        con.execute(f"CREATE TABLE given (i INTEGER, x {kind})")
        con.executemany("INSERT INTO given VALUES (?, ?)", list(enumerate(texts)))
        return [row[0] for row in con.execute(f"SELECT {sql} FROM given ORDER BY i").fetchall()]


def calendar(zone: str = "Asia/Seoul", start: str = "2026-03-02", days: int = 2) -> Calendar:
    return Calendar(
        time_zone=zone, day_starts=dt.time(4), start=dt.date.fromisoformat(start), days=days
    )


def write(path: Path, **columns: Any) -> Path:
    """Write a Parquet file of some columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def pings(path: Path, **changes: Any) -> Source:
    plain: dict[str, Any] = {
        "label": "sources[0]",
        "kind": "pings",
        "path": path,
        "person": "who",
        "time": "ts",
        "lat": "lat",
        "lon": "lon",
    }
    return Source(**plain | changes)


def good_columns(rows: int = 2) -> dict[str, Any]:
    at = dt.datetime(2026, 3, 2, 12, tzinfo=UTC)
    return {
        "who": pa.array(range(rows), pa.int64()),
        "ts": pa.array([at] * rows, pa.timestamp("us", tz="UTC")),
        "lat": pa.array([37.5] * rows),
        "lon": pa.array([126.8] * rows),
    }
