"""DuckDB over hash(person) buckets: bounded memory, one reading of the sources.

Sources -> staged records in buckets -> for each bucket: points, traces, every table's bounded
totals, one partial -> the sum of the partials. Persons are whole in a bucket, and totals of
disjoint sets of persons add up; so the number of buckets, threads and files never shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.engines.contract import Job
from pipelines.engines.duckdb.connection import connection
from pipelines.engines.duckdb.identity import Identity, file_facts
from pipelines.engines.duckdb.resume import take_up
from pipelines.engines.duckdb.run import Run
from pipelines.engines.scratch import Scratch, private_files
from pipelines.engines.totals import FileTotals
from pipelines.ingest.check import check_source
from pipelines.ingest.strata import check_persons
from pipelines.progress import Progress

_BUCKET_ROWS = 5_000_000
_ROWS_PER_MB = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DuckDBEngine:
    """The embedded default engine. Its settings change speed and memory, never a result.

    Attributes:
        bucket_rows: Rows in a bucket, about; None for what suits the memory.
        in_memory: Whether staged records stay in memory; None for where they fit well.
    """

    bucket_rows: int | None = None
    in_memory: bool | None = None

    @property
    def name(self) -> str:
        """The name that a spec writes."""
        return "duckdb"

    def run(self, job: Job, progress: Progress) -> FileTotals:
        """Read the sources once and return every table's bounded totals.

        Where a run of the very same job was killed after its records were staged, it goes on with
        what is not counted yet. An error or an interrupt leaves nothing to go on with.

        Raises:
            SourceError: a source is missing, unreadable or not as declared.
            ResourceError: memory or disk is too small.
            EngineError: a statement failed.
        """
        sources = tuple(check_source(source, i) for i, source in enumerate(job.sources))
        people = check_persons(job.id_map, job.exclusions, job.strata)
        identity = Identity(
            job=job,
            files=file_facts(sources, people),
            bucket_rows=self.bucket_rows
            or min(_BUCKET_ROWS, job.resources.memory_mb * _ROWS_PER_MB),
        )
        reads = [Path(path) for path, *_ in identity.files]
        with private_files():
            taken = take_up(job.work, identity, progress)
            scratch = taken.scratch if taken else Scratch.begin(job.work, sweeping=False)
            try:
                with connection(job.resources, scratch, reads=reads) as con:
                    return Run(
                        con=con,
                        job=job,
                        sources=sources,
                        people=people,
                        scratch=scratch,
                        identity=identity,
                        in_memory=self.in_memory,
                    ).totals(progress, begun=taken.state if taken else None)
            except BaseException:
                scratch.remove()
                raise
