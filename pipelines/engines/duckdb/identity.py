"""What a run is: only where all of this is equal is one run taken up where another was killed.

Everything here is public or a hash, and nothing depends on the ledger's secret: statements that
hold it are hashed without it, and the ledger's public id stands for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

import dp
import pipelines
from pipelines.engines.contract import Job
from pipelines.engines.statements import bucket_work
from pipelines.ingest.check import CheckedSource, Table
from pipelines.ingest.people import PeopleFiles

_EDGE = 1 << 16
_TAIL = 8
"""The end of a Parquet file: the footer's length, in four bytes, and four fixed letters."""
_SECRET = "the ledger's secret"  # noqa: S105  what is written in its place

Fact = tuple[str, int, int, int, str]
"""A file as it was: path, bytes, times of its last change in nanoseconds, hash of its ends.

The first time is that of its content, which copying programs put back to that of another file. The
second is that of anything about it, which only the system sets: no write and no replacement leaves
it as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What makes two runs the same.

    Attributes:
        job: What was asked.
        files: Every input file, as it was before the first was read.
        bucket_rows: Rows in a bucket: with the files, it fixes the number of buckets.
    """

    job: Job
    files: tuple[Fact, ...]
    bucket_rows: int

    def parts(self) -> dict[str, str]:
        """Return a hash for each part, by the words that tell a user what changed."""
        return {
            "the program, DuckDB or Arrow": _program(),
            "the ledger": self.job.owner,
            "the specification": _hash(_question(self.job)),
            "a source, the id map, the exclusions or the strata": _hash(self.files),
            "the size of a bucket (memory_mb)": str(self.bucket_rows),
        }


def file_facts(sources: tuple[CheckedSource, ...], people: PeopleFiles) -> tuple[Fact, ...]:
    """Return the facts of every file that a run reads, in the order in which it names them."""
    return tuple(
        _fact(file, table) for table in read_tables(sources, people) for file in table.files.paths
    )


def read_tables(sources: tuple[CheckedSource, ...], people: PeopleFiles) -> list[Table]:
    """Return the tables that a run reads: sources, id map, exclusions, strata."""
    tables = [checked.table for checked in sources]
    tables += [table for table in (people.id_map, people.exclusions) if table is not None]
    tables += [people.strata.table] if people.strata is not None else []
    return tables


def _fact(file: Path, table: Table) -> Fact:
    told = file.stat()
    ends = _ends(file, told.st_size, parquet=table.files.format == "parquet")
    return str(file), told.st_size, told.st_mtime_ns, told.st_ctime_ns, ends


def _ends(file: Path, size: int, *, parquet: bool) -> str:
    """Return a hash of a Parquet file's whole footer, or of the first and last bytes of another."""
    with file.open("rb") as opened:
        if not parquet:
            first = opened.read(_EDGE)
            opened.seek(max(0, size - _EDGE))
            return hashlib.sha256(first + opened.read(_EDGE)).hexdigest()
        opened.seek(max(0, size - _TAIL))
        footer = int.from_bytes(opened.read(_TAIL)[:4], "little") + _TAIL
        opened.seek(max(0, size - footer))
        return hashlib.sha256(opened.read(footer)).hexdigest()


def _question(job: Job) -> list[object]:
    """Return everything that moves a total, but for the files and the secret."""
    work = bucket_work(job)
    secret = job.secret.hex()
    texts = [f"{name}: {sql}" for name, sql in work.relations]
    texts += [f"{name}: {sql}" for name, sql in zip(work.tables, work.totals, strict=True)]
    zones = job.world.zones
    return [
        [text.replace(secret, _SECRET) if secret else text for text in texts],
        [repr(source) for source in job.sources],
        [repr(job.world.calendar), repr(job.traces), repr(job.strata), repr(job.world.strata)],
        [zones.digest, zones.origin, *(towers.digest for towers in job.world.towers)],
        list(job.categories),
    ]


@cache
def _program() -> str:
    """Return a hash of this program's text and of the versions that read and write its files."""
    text = hashlib.sha256(f"{duckdb.__version__} {pa.__version__}".encode())
    for file in _modules():
        text.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return text.hexdigest()


def _modules() -> Iterator[Path]:
    for package in (dp, pipelines):
        for place in package.__path__:
            yield from sorted(Path(place).rglob("*.py"))


def _hash(plain: object) -> str:
    return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()
