"""The one contract of all engines: a job in, bounded totals out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pipelines.schemas.traces import TraceParams
from pipelines.schemas.world import World

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipelines.ingest.source import Source, StrataFile
    from pipelines.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What an engine may use. Never changes a result.

    Attributes:
        memory_mb: Memory of the engine, in mebibytes; with Spark, of each of its processes.
        threads: Threads; None for one per core; with Spark, of each executor.
        spill_gb: Disk for temporary files, in gibibytes; Spark has no such limit.
        master: URL of a Spark master; None for this machine.
    """

    memory_mb: int = 2048
    threads: int | None = None
    spill_gb: int = 100
    master: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that an engine needs, and nothing about noise or budget.

    Attributes:
        sources: Declared sources, paths resolved.
        world: Public days and zones.
        traces: Parameters of positions, stays and trips.
        statements: By table name: SQL over the relations of ``pipelines.schemas.relations`` that
            gives ``(d INTEGER, cell BIGINT, total BIGINT)`` (a rule's ``sql``).
        needs: Names of the relations that the statements read.
        id_map: File of two columns (raw id, person), or None.
        exclusions: File of one column of ids whose persons are dropped whole, or None.
        categories: Public place categories that ``points`` numbers; none: it has no ``category``.
        strata: File of classes of persons that ``points`` numbers, or None: it has no ``stratum``.
        secret: The ledger's, for towers that stand for several zones; it must not leave the engine.
        owner: The ledger's public id: a killed run of another ledger is never taken up.
        work: Private folder for temporary files and diagnostics.
        resources: Limits.
    """

    sources: tuple[Source, ...]
    world: World
    traces: TraceParams
    statements: Mapping[str, str]
    needs: frozenset[str]
    id_map: Path | None
    exclusions: Path | None
    work: Path
    categories: tuple[str, ...] = ()
    strata: StrataFile | None = None
    secret: bytes = field(default=b"", repr=False)
    owner: str = ""
    resources: Resources = field(default_factory=Resources)


class BoundedTotals(Protocol):
    """Sparse bounded totals of a finished job. Private."""

    def vector(self, table: str, day: int, size: int) -> NDArray[np.int64]:
        """Return the dense totals of one table and date: int64, shape (size,)."""
        ...

    def sparse(self, table: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return one table's cells that hold anything, over all dates: (d, cell, total)."""
        ...

    def listed(
        self, table: str, day: int, size: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the cells of one table and date that hold anything, ascending, and their totals.

        Two int64 vectors of shape (listed,); ``size`` is never made dense.
        """
        ...

    def close(self) -> None:
        """Remove every temporary file of the job."""
        ...


class Engine(Protocol):
    """One folder in ``pipelines/engines``; the conformance suite holds for each."""

    @property
    def name(self) -> str:
        """The name that a spec writes."""
        ...

    def run(self, job: Job, progress: Progress) -> BoundedTotals:
        """Read the sources once and return every table's bounded totals.

        Raises:
            SourceError: a source is missing, unreadable or not as declared.
            ResourceError: memory or disk is too small.
            EngineError: anything else; what the engine said is in ``work/diagnostics.json``.
        """
        ...
