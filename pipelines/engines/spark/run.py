"""One run of the Spark engine, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engines.contract import Job
from pipelines.engines.scratch import Scratch
from pipelines.engines.spark.counting import count
from pipelines.engines.spark.faults import known_error
from pipelines.engines.spark.functions import register
from pipelines.engines.spark.gateway import said
from pipelines.engines.spark.people import make_people
from pipelines.engines.spark.reading import Relations, make_raw
from pipelines.engines.spark.session import Sessions
from pipelines.engines.spark.staging import records_sql, stage
from pipelines.engines.spark.watching import watched
from pipelines.engines.statements import (
    BucketWork,
    bucket_work,
    days_relation,
    has_declared,
    partial_sql,
    points_sql,
)
from pipelines.engines.totals import FileTotals
from pipelines.errors import EngineError
from pipelines.ingest.check import CheckedSource
from pipelines.ingest.clean import Reading
from pipelines.ingest.diagnostics import Diagnostics
from pipelines.ingest.people import PeopleFiles
from pipelines.ingest.towers import place_relations, split_sources
from pipelines.progress import Progress

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_READ = "Reading records"
_COUNT = "Counting tables"
_RECORDS = "ingest_records"
_KEPT = "runs"
"""The relation that all tables read, and the costly one: kept, not made again for each."""
_PRINTED = 20_000
_TOTALS = pa.schema(
    [
        ("n", pa.int32()),
        ("d", pa.int32()),
        ("cell", pa.int64()),
        ("total", pa.int64()),
        ("times", pa.int32()),
        ("step", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A job to do in a session of its own.

    Attributes:
        job: The job.
        sources: Its checked sources.
        scratch: Where the driver writes.
        partitions: Parts to cut the records into.
        sessions: Where the session comes from.
    """

    job: Job
    sources: tuple[CheckedSource, ...]
    scratch: Scratch
    partitions: int
    sessions: Sessions

    def totals(self, people: PeopleFiles, progress: Progress) -> FileTotals:
        """Do the whole job; Spark has ended when this returns."""
        work = bucket_work(self.job)
        limits = self.job.resources
        # A fault is put into words while Java still runs and can say what it was.
        with (
            self._faults(),
            self.sessions(limits, self.scratch, partitions=self.partitions) as spark,
            self._faults(),
        ):
            relations = self._public(spark)
            with watched(spark, progress, _READ):
                reading, diagnostics = self._stage(relations, people)
            self._traces(relations, work, reading)
            file = self._count(relations, work, progress)
        diagnostics.write(self.job.work)
        return FileTotals((file,), work.tables, self.scratch)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turn what Spark says, which may quote the data, into errors that do not."""
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            yield
        except (Py4JError, PySparkException, pa.ArrowException, MemoryError, OSError) as fault:
            printed = said(self.scratch)
            known = known_error(fault, printed, resources=self.job.resources, sources=self.sources)
            if known is not None:
                raise known from None
            Diagnostics(fault=f"{fault}\n{printed[-_PRINTED:]}").write(self.job.work)
            raise EngineError(
                "engine: a statement failed. What the engine said is in diagnostics.json in the "
                "work folder, which is private; nothing was charged."
            ) from None

    def _public(self, spark: SparkSession) -> Relations:
        """Make the public relations and functions known."""
        world = self.job.world
        lookup = world.zones.lookup
        relations = Relations(spark, register(spark, lookup.functions))
        relations.load("days", days_relation(world.calendar))
        for name, table in lookup.relations.items():
            relations.load(name, table)
        for name, table in place_relations(self.sources, world).items():
            relations.load(name, table)
        return relations

    def _stage(self, relations: Relations, people: PeopleFiles) -> tuple[Reading, Diagnostics]:
        """Read every record once, and keep what was read on the executors."""
        reading = Reading(
            calendar=self.job.world.calendar,
            ids=make_people(relations, people, self.sources),
            mapped=people.id_map is not None,
            excluding=people.exclusions is not None,
            declared=has_declared(self.job),
            categories=self.job.categories,
            split=split_sources(self.job.world),
            secret=self.job.secret,
            strata=people.strata.declared.strata if people.strata is not None else (),
        )
        for checked in self.sources:
            make_raw(relations, checked, reading.period)
        lookup = self.job.world.zones.lookup
        stage(relations, self.sources, reading, lookup=lookup, partitions=self.partitions).persist()
        return reading, count(relations, self.sources)

    def _traces(self, relations: Relations, work: BucketWork, reading: Reading) -> None:
        relations.make(_RECORDS, records_sql(reading))
        relations.make(
            "points", points_sql(_RECORDS, declared=reading.declared, extra=reading.extra)
        )
        for name, statement in work.relations:
            relations.make(name, statement, keep=name == _KEPT)

    def _count(self, relations: Relations, work: BucketWork, progress: Progress) -> Path:
        """Bring the sparse totals of one table after the other to the driver."""
        file = self.scratch.path / "totals.parquet"
        with pq.ParquetWriter(file, _TOTALS) as writer:
            for number, statement in enumerate(work.totals):
                progress.at(_COUNT, number / len(work.totals))
                found = relations.select(partial_sql(number, statement)).toArrow()
                writer.write_table(
                    found.cast(_TOTALS).sort_by([("d", "ascending"), ("cell", "ascending")])
                )
        progress.at(_COUNT, 1.0)
        return file
