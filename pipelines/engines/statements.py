"""What every engine runs, in DuckDB's dialect: the work on one bucket of whole persons."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

from dp.bounding.inherent import STRETCHED
from pipelines.engines.contract import Job
from pipelines.schemas.calendar import Calendar
from pipelines.traces import trace_statements

PARTIAL_COLUMNS = "n INTEGER, d INTEGER, cell BIGINT, total BIGINT, times INTEGER, step BIGINT"
"""A partial: by table number the total of a stretch of cells; one cell is one time."""
_ONE_CELL = "CAST(1 AS INTEGER) AS times, CAST(0 AS BIGINT) AS step"
_HASHES = re.compile(r"\bsha\d+\s*\(", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketWork:
    """Statements over one bucket's ``points`` and over ``days``.

    Attributes:
        relations: (name, SELECT) in the order to make them.
        totals: By table number, in the order of ``tables``: a SELECT of ``(d, cell, total)``.
        tables: Table names; their numbers are their places.
        by_id: Whether a statement hashes the person, so that ``person`` must be the id itself: a
            number given out in a bucket would let a person's sample depend on other people.
    """

    relations: tuple[tuple[str, str], ...]
    totals: tuple[str, ...]
    tables: tuple[str, ...]
    by_id: bool


def bucket_work(job: Job) -> BucketWork:
    """Return the statements of a job."""
    tables = tuple(sorted(job.statements))
    relations = trace_statements(job.world, job.traces, needs=job.needs, declared=has_declared(job))
    return BucketWork(
        relations=tuple(relations),
        totals=tuple(job.statements[name] for name in tables),
        tables=tables,
        by_id=any(_HASHES.search(sql) for sql in job.statements.values())
        or any(towers.split for towers in job.world.towers),
    )


def has_declared(job: Job) -> bool:
    """Return whether records have ends: whether any source is of visits."""
    return any(source.kind == "visits" for source in job.sources)


def days_relation(calendar: Calendar) -> pa.Table:
    """Return the public relation ``days``."""
    days = calendar.dates
    return pa.table(
        {
            "d": pa.array([day.index for day in days], pa.int32()),
            "length_s": pa.array([day.length_s for day in days], pa.int32()),
            "overnight_s": pa.array([day.overnight_s for day in days], pa.int32()),
        }
    )


def points_sql(records: str, *, declared: bool, extra: tuple[str, ...] = ()) -> str:
    """Return the SELECT of ``points``: records cut at day starts into dated pieces.

    Args:
        records: Relation with ``person, d, t, zone, lat_e7, lon_e7`` and, with ``declared``,
            ``d_end, t_end, declared``.
        declared: Whether records have ends.
        extra: Names of further columns that records carry (``Reading.extra``).
    """
    columns = ("zone", "lat_e7", "lon_e7", *extra)
    place, placed = ", ".join(columns), ", ".join(f"r.{name}" for name in columns)
    if not declared:
        return f"SELECT d, person, t, {place} FROM {records}"
    return (
        f"SELECT d, person, t, t_end AS t2, {place}, declared FROM {records} WHERE d_end = d "
        "UNION ALL "
        "SELECT y.d, r.person, CASE WHEN y.d = r.d THEN r.t ELSE 0 END AS t, "
        "CASE WHEN y.d = r.d_end THEN r.t_end ELSE y.length_s END AS t2, "
        f"{placed}, r.declared "
        f"FROM {records} AS r JOIN days AS y ON y.d >= r.d AND y.d <= r.d_end WHERE r.d_end > r.d"
    )


def partial_sql(number: int, statement: str) -> str:
    """Return the SELECT of one table's part of a partial, with the columns ``PARTIAL_COLUMNS``."""
    stretch = "times, step" if statement.startswith(STRETCHED) else _ONE_CELL
    return (
        f"SELECT CAST({number} AS INTEGER) AS n, d, cell, total, {stretch} "
        f"FROM ({statement}) AS bounded"
    )


def sum_sql(partials: str, number: int) -> str:
    """Return the SELECT that adds up one table's part of the partials.

    Each date is kept together, so that who reads one passes over the others. Cells come in any
    order: sorting them would take as long as adding them up.
    """
    return (
        f"SELECT CAST({number} AS INTEGER) AS n, d, cell, CAST(SUM(total) AS BIGINT) AS total, "
        f"times, step FROM {partials} WHERE n = {number} GROUP BY d, cell, times, step ORDER BY d"
    )
