"""The one reading of the records: a job for an engine, and bounded tables from its totals.

Nothing here knows of noise or budget, and nothing is charged while it runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dp.errors import BoundError
from dp.tables import Bounded
from pipelines.engines.contract import Job
from pipelines.errors import SpecError
from pipelines.release.folder import private_folder
from pipelines.tables import TABLES, sensitive

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipelines.engines.contract import BoundedTotals, Engine
    from pipelines.progress import Progress
    from pipelines.release.model import Plan, PlannedMeasurement


@dataclass(frozen=True, slots=True)
class Totals:
    """Bounded tables of a finished job. Private; ``close`` removes every temporary file.

    Attributes:
        tables: The tables that were counted.
    """

    tables: frozenset[str]
    _counted: BoundedTotals = field(repr=False)

    def bounded(self, one: PlannedMeasurement) -> Bounded:
        """Return the bounded table of one measurement."""
        return Bounded(
            table=one.table,
            reads=one.charge.reads,
            keys=one.keys,
            bounds=one.bounds,
            factor=one.law.factor,
            totals=self._counted.vector(one.table, one.day.index, one.keys.size),
        )

    def close(self) -> None:
        """Remove the job's temporary files."""
        self._counted.close()


def count(
    plan: Plan, *, tables: Collection[str], secret: bytes, engine: str, progress: Progress
) -> Totals:
    """Read the sources once and return the bounded totals of these tables.

    Args:
        plan: The plan.
        tables: Names of the tables to count.
        secret: The ledger's secret, for sampling.
        engine: Name of the engine.
        progress: Hears how far the engine is.

    Raises:
        SourceError: a source is missing, unreadable or not as declared.
        ResourceError: memory or disk is too small.
    """
    job = job_of(plan, tables=tables, secret=secret)
    return Totals(frozenset(tables), engine_of(engine).run(job, progress))


def job_of(plan: Plan, *, tables: Collection[str], secret: bytes) -> Job:
    """Return what the engine is asked for: statements of these tables over all dates."""
    spec = plan.spec
    return Job(
        sources=spec.sources,
        world=plan.world,
        traces=spec.traces,
        statements={name: _statement(plan, name, secret) for name in tables},
        needs=frozenset().union(*(TABLES[name].needs for name in tables)),
        id_map=spec.id_map,
        exclusions=spec.exclusions,
        work=private_folder(spec.release.work),
        resources=spec.engine,
    )


def engine_of(name: str) -> Engine:
    """Return an engine by name; SpecError names the ones there are."""
    if name == "duckdb":
        from pipelines.engines.duckdb.engine import DuckDBEngine

        return DuckDBEngine()
    raise SpecError(f'no engine is named "{name}". Known engines: duckdb')


def _statement(plan: Plan, table: str, secret: bytes) -> str:
    """Return a table's bounded statement; one text must serve all dates."""
    measured = TABLES[table]
    params = plan.of(table)[0].params
    contributions = sensitive(measured, plan.world, params)
    texts = {
        measured.rule(plan.world, params, day, secret).sql(contributions)
        for day in plan.world.calendar.dates
    }
    if len(texts) != 1:
        raise BoundError(f"{table}: its rule gives different statements for different dates")
    return texts.pop()
