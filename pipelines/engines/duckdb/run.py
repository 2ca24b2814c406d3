"""One run of the DuckDB engine, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dp.errors import MurmurationError
from pipelines.engines.contract import Job
from pipelines.engines.duckdb.buckets import count_bucket, write_partial
from pipelines.engines.duckdb.connection import add_function, load, paths
from pipelines.engines.duckdb.counting import Tally
from pipelines.engines.duckdb.faults import resource_error
from pipelines.engines.duckdb.numbering import number_persons, worth_numbering
from pipelines.engines.duckdb.people import make_people
from pipelines.engines.duckdb.reading import damaged, make_raw, rows_to_read
from pipelines.engines.duckdb.staging import (
    InFiles,
    InMemory,
    Staged,
    bucket_groups,
    fits_in_memory,
    staging_sql,
)
from pipelines.engines.duckdb.totals import FileTotals
from pipelines.engines.duckdb.watching import watched
from pipelines.engines.scratch import Scratch
from pipelines.engines.statements import bucket_work, days_relation, has_declared, sum_sql
from pipelines.errors import EngineError
from pipelines.ingest.check import CheckedSource
from pipelines.ingest.clean import Reading
from pipelines.ingest.diagnostics import Diagnostics
from pipelines.ingest.people import PeopleFiles
from pipelines.ingest.quoting import literal
from pipelines.ingest.towers import place_relations, split_sources
from pipelines.progress import Progress

_READ = "Reading records"
_COUNT = "Counting tables"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A connection with a job to do.

    Attributes:
        con: The engine.
        job: The job.
        sources: Its checked sources.
        scratch: Where everything is written.
        bucket_rows: Rows to work on at once, about.
        in_memory: Whether staged records stay in memory; None for where they fit well.
    """

    con: duckdb.DuckDBPyConnection
    job: Job
    sources: tuple[CheckedSource, ...]
    scratch: Scratch
    bucket_rows: int
    in_memory: bool | None

    def totals(self, people: PeopleFiles, progress: Progress) -> FileTotals:
        """Do the whole job."""
        tally = Tally()
        with self._faults(reading=True), watched(self.con, progress, _READ):
            reading = self._reading(people)
            rows = sum(rows_to_read(self.con, one, reading.period) for one in self.sources)
            sources, reading = self._numbered(reading)
            staged = self._stage(sources, reading, rows)
        with self._faults(reading=False):
            tally.staged(staged.rows)
            self._count(staged, reading, tally, progress)
            file = self._sum()
            tally.diagnostics(self.con, self.sources).write(self.job.work)
        return FileTotals(file, tuple(sorted(self.job.statements)), self.scratch)

    @contextmanager
    def _faults(self, *, reading: bool) -> Iterator[None]:
        """Turn what the engine says, which may quote the data, into errors that do not."""
        try:
            yield
        except (duckdb.Error, MemoryError, OSError) as fault:
            known: MurmurationError | None = resource_error(fault, self.job.resources)
            if known is None and reading:
                known = damaged(self.con, self.sources)
            if known is not None:
                raise known from None
            Diagnostics(fault=str(fault)).write(self.job.work)
            raise EngineError(
                "engine: a statement failed. What the engine said is in diagnostics.json in the "
                "work folder, which is private; nothing was charged."
            ) from None

    def _reading(self, people: PeopleFiles) -> Reading:
        """Make the public relations, the people's and the raw ones."""
        world = self.job.world
        load(self.con, "days", days_relation(world.calendar))
        for name, table in world.zones.lookup.relations.items():
            load(self.con, name, table)
        for name, function in world.zones.lookup.functions.items():
            add_function(self.con, name, function)
        for name, table in place_relations(self.sources, world).items():
            load(self.con, name, table)
        ids = make_people(self.con, people, self.sources)
        reading = Reading(
            calendar=world.calendar,
            ids=ids,
            mapped=people.id_map is not None,
            excluding=people.exclusions is not None,
            declared=has_declared(self.job),
            categories=self.job.categories,
            split=split_sources(world),
            secret=self.job.secret,
            strata=people.strata.declared.strata if people.strata is not None else (),
        )
        for checked in self.sources:
            make_raw(self.con, checked, reading.period)
        return reading

    def _numbered(self, reading: Reading) -> tuple[tuple[CheckedSource, ...], Reading]:
        """Put numbers in the place of text ids, where that pays and no result can tell."""
        if worth_numbering(self.sources, reading) and not bucket_work(self.job).by_id:
            return number_persons(self.con, self.sources, reading)
        return self.sources, reading

    def _stage(self, sources: tuple[CheckedSource, ...], reading: Reading, rows: int) -> Staged:
        statement = staging_sql(
            self.con,
            sources,
            reading,
            lookup=self.job.world.zones.lookup,
            buckets=max(1, -(-rows // self.bucket_rows)),
        )
        fits = fits_in_memory(rows, ids=reading.ids, memory_mb=self.job.resources.memory_mb)
        if fits if self.in_memory is None else self.in_memory:
            return InMemory.stage(self.con, statement)
        return InFiles.stage(self.con, statement, self.scratch.folder("buckets"))

    def _count(self, staged: Staged, reading: Reading, tally: Tally, progress: Progress) -> None:
        """Count every bucket into a partial."""
        work = bucket_work(self.job)
        groups = bucket_groups(staged.rows, self.bucket_rows)
        folder = self.scratch.folder("partials")
        numbered = reading.ids == "text" and not work.by_id
        progress.at(_COUNT, 0.0)
        for i, group in enumerate(groups):
            records = staged.records(group)
            tally.bucket(self.con, records, many=len(self.sources) > 1)
            count_bucket(self.con, work, records, reading=reading, numbered=numbered)
            write_partial(self.con, folder / f"{i:06d}.parquet")
            staged.drop(group)
            progress.at(_COUNT, (i + 1) / len(groups))

    def _sum(self) -> Path:
        file = self.scratch.path / "totals.parquet"
        partials = sorted(self.scratch.folder("partials").glob("*.parquet"))
        rows = (
            "(SELECT 0 AS n, 0 AS d, CAST(0 AS BIGINT) AS cell, CAST(0 AS BIGINT) AS total LIMIT 0)"
        )
        if partials:
            rows = f"read_parquet({paths(partials)}, hive_partitioning = false)"
        self.con.execute(
            f"COPY ({sum_sql(f'{rows} AS partials')}) TO {literal(str(file))} (FORMAT parquet)"
        )
        for partial in partials:
            partial.unlink()
        return file
