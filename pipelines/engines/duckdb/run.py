"""One run of the DuckDB engine, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dp.errors import MurmurationError
from pipelines.engines.contract import Job
from pipelines.engines.duckdb.buckets import count_bucket
from pipelines.engines.duckdb.connection import add_function, load, paths
from pipelines.engines.duckdb.counting import Tally, held_by, malformed_lines
from pipelines.engines.duckdb.faults import resource_error
from pipelines.engines.duckdb.identity import Identity
from pipelines.engines.duckdb.lanes import lanes
from pipelines.engines.duckdb.layout import Layout
from pipelines.engines.duckdb.numbering import number_persons, worth_numbering
from pipelines.engines.duckdb.partials import Partials
from pipelines.engines.duckdb.people import make_people
from pipelines.engines.duckdb.reading import damaged, make_raw, rows_to_read
from pipelines.engines.duckdb.resume import BUCKETS, TOTALS, partials_of
from pipelines.engines.duckdb.staging import (
    InFiles,
    InMemory,
    Staged,
    bucket_groups,
    fits_in_memory,
    staging_sql,
)
from pipelines.engines.duckdb.state import RunState, digests
from pipelines.engines.duckdb.watching import watched
from pipelines.engines.scratch import Scratch
from pipelines.engines.statements import bucket_work, days_relation, has_declared, sum_sql
from pipelines.engines.totals import FileTotals
from pipelines.errors import EngineError
from pipelines.ingest.check import CheckedSource
from pipelines.ingest.clean import Reading
from pipelines.ingest.diagnostics import Diagnostics
from pipelines.ingest.people import Ids, PeopleFiles
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
        people: Its checked files about persons.
        scratch: Where everything is written.
        identity: What this run is, should it be killed.
        in_memory: Whether staged records stay in memory; None for where they fit well.
    """

    con: duckdb.DuckDBPyConnection
    job: Job
    sources: tuple[CheckedSource, ...]
    people: PeopleFiles
    scratch: Scratch
    identity: Identity
    in_memory: bool | None

    def totals(self, progress: Progress, *, begun: RunState | None) -> FileTotals:
        """Do the whole job, or with ``begun`` what a killed run left to do."""
        staged: Staged
        if begun is None:
            with self._faults(reading=True), watched(self.con, progress, _READ):
                staged, state = self._read()
        else:
            load(self.con, "days", days_relation(self.job.world.calendar))
            staged, state = InFiles.of(self.scratch.folder(BUCKETS), begun), begun
        with self._faults(reading=False):
            partials = partials_of(self.scratch, state)
            self._count(staged, state, partials, progress)
            files, kept = partials.whole()
            files = self._summed(files)
            tally = Tally.of(state.rows, kept, state.malformed)
            tally.diagnostics(self.sources).write(self.job.work)
        return FileTotals(tuple(files), tuple(sorted(self.job.statements)), self.scratch)

    def _read(self) -> tuple[Staged, RunState]:
        """Stage every record; from here on a killed run can be taken up."""
        reading = self._reading(self._relations())
        for checked in self.sources:
            make_raw(self.con, checked, reading.period)
        rows = sum(rows_to_read(self.con, one, reading.period) for one in self.sources)
        sources, reading = self._numbered(reading)
        staged = self._stage(sources, reading, rows)
        in_files = isinstance(staged, InFiles)
        state = RunState(
            run=self.scratch.path.name,
            identity=self.identity.parts() if in_files else {},
            ids=reading.ids,
            rows=staged.rows,
            groups=bucket_groups(staged.rows, self.identity.bucket_rows),
            files=digests(staged.folder, staged.names) if isinstance(staged, InFiles) else {},
            malformed=malformed_lines(self.con, self.sources),
        )
        if in_files:
            state.write(self.scratch.path)
        return staged, state

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

    def _relations(self) -> Ids:
        """Make the public relations and those about persons; return how ids compare."""
        world = self.job.world
        load(self.con, "days", days_relation(world.calendar))
        for name, table in world.zones.lookup.relations.items():
            load(self.con, name, table)
        for name, function in world.zones.lookup.functions.items():
            add_function(self.con, name, function)
        for name, table in place_relations(self.sources, world).items():
            load(self.con, name, table)
        return make_people(self.con, self.people, self.sources)

    def _reading(self, ids: Ids) -> Reading:
        people = self.people
        return Reading(
            calendar=self.job.world.calendar,
            ids=ids,
            mapped=people.id_map is not None,
            excluding=people.exclusions is not None,
            declared=has_declared(self.job),
            categories=self.job.categories,
            split=split_sources(self.job.world),
            secret=self.job.secret,
            strata=people.strata.declared.strata if people.strata is not None else (),
        )

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
            layout=Layout.of(self.job.world, reading),
            buckets=max(1, -(-rows // self.identity.bucket_rows)),
        )
        fits = fits_in_memory(rows, ids=reading.ids, memory_mb=self.job.resources.memory_mb)
        if fits if self.in_memory is None else self.in_memory:
            return InMemory.stage(self.con, statement)
        return InFiles.stage(self.con, statement, self.scratch.folder(BUCKETS))

    def _count(
        self, staged: Staged, state: RunState, partials: Partials, progress: Progress
    ) -> None:
        """Count every group of buckets that has no partial yet into one."""
        work, reading = bucket_work(self.job), self._reading(state.ids)
        numbered = state.ids == "text" and not work.by_id
        layout = Layout.of(self.job.world, reading)
        many = lanes(self.job.resources, threads=self._threads())
        done = partials.found() or {}
        for number, group in enumerate(state.groups):
            progress.at(_COUNT, number / len(state.groups))
            if number in done:
                continue
            records = layout.unpacked(staged.records(group))
            kept = held_by(self.con, records, many=len(self.sources) > 1)
            count_bucket(self.con, work, records, reading=reading, numbered=numbered, many=many)
            partials.write(self.con, number, kept)
            staged.drop(group)
        progress.at(_COUNT, 1.0)

    def _threads(self) -> int:
        row = self.con.execute("SELECT current_setting('threads')").fetchone()
        return int(row[0]) if row else 1

    def _summed(self, partials: list[Path]) -> list[Path]:
        """Return files whose rows add up to the totals, each partial being in them once.

        Of one date the partials are such files. Of several they are added up here, into a file for
        each table in the order of dates: else each date would be looked for in all of them.
        """
        dates = len(self.job.world.calendar.dates)
        if dates == 1 or not partials:
            return partials
        folder = self.scratch.folder(TOTALS)
        rows = f"read_parquet({paths(partials)}, hive_partitioning = false) AS partials"
        for number in range(len(self.job.statements)):
            file = folder / f"{number:04d}.parquet"
            summed = sum_sql(rows, number)
            self.con.execute(f"COPY ({summed}) TO {literal(str(file))} (FORMAT parquet)")
        return sorted(folder.iterdir())
