"""What single persons add to a release: each taken through the engine alone, all in one reading.

Everything about a date reads that date alone. So person p's date d is moved to a date of its own,
number p x dates + d, on which nobody else has a record, and the engine counts all of those dates
at once, by the product's own statements and bounding rules.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import coo_array, csr_array, vstack

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
MOST_MADE_UP = 20_000
"""Dates of one reading: seconds since its start fit 32 bits, as the engine counts them."""
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
    folder, batch = private_folder(persons.work / "apart"), max(1, MOST_MADE_UP // dates)
    for i, table in enumerate(records):
        number = table["number"].to_numpy()
        for first in range(0, count, batch):
            mine = table.filter(pa.array((number >= first) & (number < first + batch)))
            place = private_folder(folder / str(first)) / f"{i:06d}.parquet"
            place.touch(mode=0o600)
            pq.write_table(_moved(mine, dates=dates, first=first), place)
    parts = []
    try:
        for first in range(0, count, batch):
            size = min(batch, count - first)
            job = _job(persons, folder=folder / str(first), dates=dates * size, bounded=bounded)
            parts.append(_counted(persons, job, count=size, bounded=bounded))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return csr_array(vstack(parts))


def _counted(persons: Persons, job: Job, *, count: int, bounded: bool) -> csr_array:
    counted = engine_of(persons.plan.spec.engine_name).run(job, Silent())
    try:
        return _rows(persons, counted, count=count, bounded=bounded)
    finally:
        counted.close()


def _moved(table: pa.Table, *, dates: int, first: int) -> pa.Table:
    """Return fixes of date d moved to date (number - first) x dates + d, same time of day."""
    number = table["number"].to_numpy() - first
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
