"""What single persons add to a release: each taken through the engine alone, all in one reading.

Everything about a date reads that date alone. So person p's date d is moved to a date of its own,
number p x dates + d, on which nobody else has a record, and the engine counts all of those dates
at once, by the product's own statements and bounding rules.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import coo_array, csr_array

from dp.bounding import Inherent
from dp.bounds import Bounds
from pipelines.progress import Silent
from pipelines.release.folder import private_folder
from pipelines.release.totals import engine_of, job_of
from pipelines.tables import TABLES, sensitive

if TYPE_CHECKING:
    from pipelines.audit._layout import Layout
    from pipelines.engines.contract import BoundedTotals, Job
    from pipelines.release.model import Plan

_DAY_S = 86_400
_ANYTHING = 2**40


@dataclass(frozen=True, slots=True, kw_only=True)
class Persons:
    """What vectors are counted with.

    Attributes:
        plan: The plan; its dates have 24 hours.
        layout: Its columns.
        secret: For sampling.
        work: Private folder.
    """

    plan: Plan
    layout: Layout
    secret: bytes
    work: Path


def vectors_of(
    persons: Persons,
    *,
    records: Iterable[pa.Table],
    count: int,
    bounded: bool = True,
) -> csr_array:
    """Return bounded contributions, one row a person; int64, shape (count, columns).

    Args:
        persons: What to count with.
        records: Fixes in parts, with the person's row in a column ``number``.
        count: How many persons.
        bounded: Whether contributions are bounded; False is for negative controls.
    """
    dates = len(persons.plan.world.calendar.dates)
    folder = private_folder(persons.work / "apart")
    for i, table in enumerate(records):
        moved = _moved(table, dates=dates)
        path = folder / f"{i:06d}.parquet"
        path.touch(mode=0o600)
        pq.write_table(moved, path)
    job = _job(persons, folder=folder, dates=dates * count, bounded=bounded)
    counted = engine_of(persons.plan.spec.engine_name).run(job, Silent())
    try:
        return _rows(persons, counted, count=count, bounded=bounded)
    finally:
        counted.close()
        for path in folder.glob("*.parquet"):
            path.unlink()


def _moved(table: pa.Table, *, dates: int) -> pa.Table:
    """Return fixes moved from date d to date number x dates + d; they keep their time of day."""
    number = table["number"].to_numpy()
    stamp = pa.timestamp("s", tz="UTC")
    seconds = table["ts"].cast(stamp).cast(pa.int64()).to_numpy() + number * dates * _DAY_S
    stamps = pa.array(seconds).cast(stamp)
    return table.drop_columns(["number", "ts"]).append_column("ts", stamps)


def _job(persons: Persons, *, folder: Path, dates: int, bounded: bool) -> Job:
    plan = persons.plan
    job = job_of(plan, world=plan.world, tables=plan.tables, secret=persons.secret)
    calendar = dataclasses.replace(plan.world.calendar, days=dates)
    sources = (dataclasses.replace(job.sources[0], path=folder / "*.parquet"),)
    statements = job.statements if bounded else unbounded(plan)
    return dataclasses.replace(
        job,
        sources=sources,
        world=dataclasses.replace(plan.world, calendar=calendar),
        statements=statements,
    )


def unbounded(plan: Plan) -> dict[str, str]:
    """Return statements that sum contributions as they are: what a missing rule would release."""
    anything = Inherent(Bounds(l0=_ANYTHING, l1=_ANYTHING, l2_squared=_ANYTHING, linf=_ANYTHING))
    return {
        name: anything.sql(sensitive(TABLES[name], plan.world, plan.of(name)[0].params))
        for name in plan.tables
    }


def _rows(persons: Persons, counted: BoundedTotals, *, count: int, bounded: bool) -> csr_array:
    """Return totals by made-up date as one row a person, in lattice units.

    Cells that a level joins are added up where the matrix is made.
    """
    layout, dates = persons.layout, len(persons.plan.world.calendar.dates)
    rows, columns, values = [], [], []
    for name in persons.plan.tables:
        starts = np.array([layout.start(name, d) for d in range(dates)])
        d, cell, total = counted.sparse(name)
        total = total if bounded else total * layout.factor[starts[0]]
        for level, (_, lift) in enumerate(layout.levels(name, 0)):
            first = np.array([layout.levels(name, date)[level][0] for date in range(dates)])
            rows.append(d // dates)
            columns.append(first[d % dates] + (cell if lift is None else lift.cells()[cell]))
            values.append(total)
    matrix = coo_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(count, layout.size),
        dtype=np.int64,
    )
    return csr_array(matrix)
