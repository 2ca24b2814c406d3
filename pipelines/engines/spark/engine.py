"""Spark on one machine or on a cluster: the same statements, the same totals.

Sources -> staged records, each person in one partition -> points, traces, every table's bounded
totals. Only those totals and private counts come back to the driver; noise and ledger never leave
it. What Spark does again after a loss gives the same rows, so a lost worker never shows.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.engines.contract import Job
from pipelines.engines.scratch import Scratch, private_files
from pipelines.engines.spark.needs import check_needs
from pipelines.engines.spark.run import Run
from pipelines.engines.spark.session import Sessions, master_of, session
from pipelines.engines.totals import FileTotals
from pipelines.ingest.check import check_source
from pipelines.ingest.strata import check_persons
from pipelines.progress import Progress

_PARTITION_ROWS = 500_000
_MOST_PARTITIONS = 4_000
"""More cut what tasks exchange into crumbs: every reading task writes to every partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkEngine:
    """Spark. Its settings change speed and memory, never a result.

    Attributes:
        partition_rows: Rows in a partition, about.
        sessions: Where a run's session comes from.
    """

    partition_rows: int = _PARTITION_ROWS
    sessions: Sessions = session

    @property
    def name(self) -> str:
        """The name that a spec writes."""
        return "spark"

    def run(self, job: Job, progress: Progress) -> FileTotals:
        """Read the sources once and return every table's bounded totals.

        Raises:
            SourceError: a source is missing, unreadable or not as declared.
            ResourceError: Spark, Java or the master is missing; memory or disk is too small.
            EngineError: a statement failed.
        """
        check_needs(master_of(job.resources))
        sources = tuple(check_source(source, i) for i, source in enumerate(job.sources))
        people = check_persons(job.id_map, job.exclusions, job.strata)
        rows = sum(checked.table.layout.rows for checked in sources)
        with private_files():
            scratch = Scratch.begin(job.work)
            try:
                return Run(
                    job=job,
                    sources=sources,
                    scratch=scratch,
                    partitions=min(max(1, -(-rows // self.partition_rows)), _MOST_PARTITIONS),
                    sessions=self.sessions,
                ).totals(people, progress)
            except BaseException:
                scratch.remove()
                raise
