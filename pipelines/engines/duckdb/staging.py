"""Staging: all sources once through, into buckets of whole persons.

A bucket is a hash of the person, and of nothing else: all records of a person meet in one bucket,
and no result depends on how many there are. Rows that are set aside go to negative buckets that
name source and reason, so that counting them costs no second pass.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow.parquet as pq

from pipelines.engines.duckdb.connection import paths
from pipelines.engines.duckdb.layout import Layout
from pipelines.engines.duckdb.reading import raw_relation
from pipelines.engines.duckdb.state import Groups, RunState
from pipelines.ingest.check import CheckedSource
from pipelines.ingest.clean import Reading, clean_sql
from pipelines.ingest.people import Ids
from pipelines.ingest.quoting import literal
from pipelines.ingest.reasons import ROOM
from pipelines.schemas.zones import ZoneLookup

_ROW_BYTES = {"integer": 48, "text": 80}
_SHARE = 4
_LOCATED = "ingest_located"
_STAGED = "ingest_staged"


class Staged(Protocol):
    """Staged records in buckets."""

    @property
    def rows(self) -> dict[int, int]:
        """Rows by bucket; negative buckets hold rows that are set aside."""
        ...

    def records(self, buckets: Iterable[int]) -> str:
        """Return a SELECT of the records of some buckets."""
        ...

    def drop(self, buckets: Iterable[int]) -> None:
        """Remove what some buckets hold, where that frees anything."""
        ...


@dataclass(frozen=True, slots=True)
class InMemory:
    """Records in a table of the engine: for input that fits well into its memory."""

    rows: dict[int, int]

    @classmethod
    def stage(cls, con: duckdb.DuckDBPyConnection, statement: str) -> InMemory:
        """Run a staging statement into a table."""
        con.execute(f"CREATE TABLE {_STAGED} AS {statement}")
        return cls(dict(con.execute(f"SELECT b, COUNT(*) FROM {_STAGED} GROUP BY b").fetchall()))

    def records(self, buckets: Iterable[int]) -> str:
        """Return a SELECT of the records of some buckets."""
        return f"SELECT * FROM {_STAGED} WHERE b IN ({', '.join(map(str, buckets))})"

    def drop(self, buckets: Iterable[int]) -> None:
        """Do nothing: the table goes as a whole."""


@dataclass(frozen=True, slots=True)
class InFiles:
    """Records in private Parquet files, a folder for each bucket.

    Attributes:
        folder: Where the buckets' folders are.
        rows: Rows by bucket.
        names: Files of the buckets of records, relative to ``folder``; no other file is read.
    """

    folder: Path
    rows: dict[int, int]
    names: tuple[str, ...]

    @classmethod
    def stage(cls, con: duckdb.DuckDBPyConnection, statement: str, folder: Path) -> InFiles:
        """Run a staging statement into files; of rows that are set aside only counts stay."""
        # Without dictionaries: they cost more time than the space they save on numbers.
        con.execute(
            f"COPY ({statement}) TO {literal(str(folder))} (FORMAT parquet, PARTITION_BY (b), "
            "COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 1)"
        )
        rows: dict[int, int] = {}
        names: list[str] = []
        for place in sorted(folder.iterdir()):
            bucket, files = int(place.name.removeprefix("b=")), sorted(place.iterdir())
            rows[bucket] = sum(pq.read_metadata(file).num_rows for file in files)
            if bucket >= 0:
                names += [f"{place.name}/{file.name}" for file in files]
            else:
                shutil.rmtree(place)
        return cls(folder, rows, tuple(names))

    @classmethod
    def of(cls, folder: Path, state: RunState) -> InFiles:
        """Return what a killed run has staged."""
        return cls(folder, dict(state.rows), tuple(state.files))

    def records(self, buckets: Iterable[int]) -> str:
        """Return a SELECT of the records of some buckets."""
        files = [self.folder / name for name in self._of(buckets)]
        return f"SELECT * FROM read_parquet({paths(files)}, hive_partitioning = false)"

    def drop(self, buckets: Iterable[int]) -> None:
        """Remove the buckets' files."""
        for name in self._of(buckets):
            (self.folder / name).unlink()

    def _of(self, buckets: Iterable[int]) -> list[str]:
        places = {f"b={bucket}" for bucket in buckets}
        return [name for name in self.names if name.split("/")[0] in places]


def staging_sql(
    con: duckdb.DuckDBPyConnection,
    sources: tuple[CheckedSource, ...],
    reading: Reading,
    *,
    lookup: ZoneLookup,
    layout: Layout,
    buckets: int,
) -> str:
    """Return the SELECT of all rows with bucket ``b`` and zone; make the views that it reads."""
    names = _columns(reading, many=len(sources) > 1)
    columns = ", ".join(names)
    zoned: list[str] = []
    located: list[str] = []
    for checked in sources:
        clean = clean_sql(checked, reading, raw=raw_relation(checked))
        rows = f"SELECT {_bucket(checked, buckets)} AS b, "
        rows += f"CAST({checked.number} AS SMALLINT) AS source, * FROM ({clean}) AS clean"
        (zoned if "zone" in checked.columns else located).append(rows)
    if located:
        united = " UNION ALL ".join(f"SELECT {columns} FROM ({rows}) AS r" for rows in located)
        con.execute(f"CREATE VIEW {_LOCATED} AS {united}")
        zoned.append(lookup.sql(_LOCATED))
    return " UNION ALL ".join(layout.packed(rows, names) for rows in zoned)


def fits_in_memory(rows: int, *, ids: Ids, memory_mb: int) -> bool:
    """Return whether that many staged records take a quarter of the memory at most."""
    return rows * _ROW_BYTES[ids] * _SHARE <= memory_mb * 2**20


def bucket_groups(rows: dict[int, int], most: int) -> Groups:
    """Return the buckets of records in groups of at most ``most`` rows, one bucket at least."""
    groups: list[list[int]] = []
    held = 0
    for bucket in sorted(bucket for bucket in rows if bucket >= 0):
        if not groups or held + rows[bucket] > most:
            groups.append([])
            held = 0
        groups[-1].append(bucket)
        held += rows[bucket]
    return tuple(map(tuple, groups))


def _bucket(checked: CheckedSource, buckets: int) -> str:
    home = "0" if buckets == 1 else f"CAST(HASH(person) % {buckets} AS INTEGER)"
    return f"CASE WHEN reason = 0 THEN {home} ELSE -({checked.number * ROOM} + reason) END"


def _columns(reading: Reading, *, many: bool) -> list[str]:
    source = ["source"] if many else []
    ends = ["d_end", "t_end", "declared"] if reading.declared else []
    return ["b", *source, "person", "d", "t", *ends, "lat_e7", "lon_e7", *reading.extra]
