"""The one reading of the records: a job for an engine, and bounded tables from its totals.

Nothing here knows of noise or budget, and nothing is charged while it runs.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dp.errors import BoundError
from dp.sparse import SparseBounded
from dp.tables import Bounded
from pipelines.engines.contract import Job
from pipelines.release.folder import private_folder
from pipelines.tables import TABLES, needed, sensitive
from pipelines.tables.visits import VisitsParams

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pipelines.engines.contract import BoundedTotals, Engine
    from pipelines.progress import Progress
    from pipelines.release.model import Plan, PlannedMeasurement
    from pipelines.schemas.world import World


@dataclass(frozen=True, slots=True)
class Totals:
    """Bounded tables of a finished job. Private; ``close`` removes every temporary file.

    Attributes:
        keys: Charge keys of the measurements that were counted.
        first: Number, in the plan, of the first date that was counted.
    """

    keys: frozenset[str]
    first: int
    _counted: BoundedTotals = field(repr=False)

    def bounded(self, one: PlannedMeasurement) -> Bounded:
        """Return the bounded table of one measurement; a level above adds up its zones' totals."""
        size = one.keys.size if one.lift is None else one.lift.keys.size
        totals = self._counted.vector(one.table, one.day.index - self.first, size)
        return Bounded(
            table=one.table,
            reads=one.reads,
            keys=one.keys,
            bounds=one.bounds,
            factor=one.law.factor,
            totals=totals if one.lift is None else one.lift.added(totals),
        )

    def sparse(self, one: PlannedMeasurement) -> SparseBounded:
        """Return the cells of one measurement that hold anything; nothing is made dense."""
        day = one.day.index - self.first
        cells, totals = self._counted.listed(one.table, day, one.keys.size)
        return SparseBounded(
            table=one.table,
            reads=one.charge.reads,
            keys=one.keys,
            bounds=one.bounds,
            factor=one.law.factor,
            cells=cells,
            totals=totals,
        )

    def close(self) -> None:
        """Remove the job's temporary files."""
        self._counted.close()


def count(
    plan: Plan,
    *,
    missing: Sequence[PlannedMeasurement],
    secret: bytes,
    engine: str,
    progress: Progress,
) -> Totals:
    """Read the sources once and return the bounded totals of these measurements.

    Only the tables and the span of dates that are missing are counted: a table reads its own date
    alone, or says which it reads; those are counted too, and what stands on other dates is not
    asked for.

    Args:
        plan: The plan.
        missing: The measurements to count, at least one.
        secret: The ledger's secret, for sampling.
        engine: Name of the engine.
        progress: Hears how far the engine is.

    Raises:
        SourceError: a source is missing, unreadable or not as declared.
        ResourceError: memory or disk is too small.
    """
    at = {day.date: day.index for day in plan.world.calendar.dates}
    first = min(at[one.reads[0]] for one in missing)
    last = max(at[one.reads[-1]] for one in missing)
    days = plan.world.calendar.dates[first : last + 1]
    calendar = dataclasses.replace(plan.world.calendar, start=days[0].date, days=len(days))
    wanted = {one.table for one in missing}
    job = job_of(
        plan,
        world=dataclasses.replace(plan.world, calendar=calendar),
        tables=[name for name in plan.tables + plan.thresholded if name in wanted],
        secret=secret,
    )
    counted = engine_of(engine).run(job, progress)
    return Totals(frozenset(one.charge.key for one in missing), first, counted)


def job_of(plan: Plan, *, world: World, tables: Collection[str], secret: bytes) -> Job:
    """Return what the engine is asked for: one statement for each table, over all dates."""
    spec = plan.spec
    asked = [params for params in spec.tables if params.table in tables]
    stratified = any(params.strata for params in asked)
    return Job(
        sources=spec.sources,
        world=world,
        traces=spec.traces,
        statements={name: _statement(plan, name, world=world, secret=secret) for name in tables},
        needs=frozenset().union(*(needed(params) for params in asked)),
        id_map=spec.id_map,
        exclusions=spec.exclusions,
        work=private_folder(spec.release.work),
        categories=next((p.categories for p in asked if isinstance(p, VisitsParams)), ()),
        strata=spec.people.strata.source if spec.people.strata and stratified else None,
        secret=secret,
        owner=plan.ledger or "",
        resources=spec.engine,
    )


def engine_of(name: str) -> Engine:
    """Return an engine by name; SpecError names the ones there are."""
    from pipelines.engines import get_engine

    return get_engine(name)


def _statement(plan: Plan, table: str, *, world: World, secret: bytes) -> str:
    """Return a table's bounded statement; one text must serve all dates."""
    measured = TABLES[table]
    params = plan.of(table)[0].params
    contributions = sensitive(measured, world, params)
    texts = {
        measured.rule(world, params, day, secret).sql(contributions) for day in world.calendar.dates
    }
    if len(texts) != 1:
        raise BoundError(f"{table}: its rule gives different statements for different dates")
    return texts.pop()
