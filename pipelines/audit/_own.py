"""A stage on the custodian's own records. Everything about it is private and stays in ``work/``."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from pipelines.audit._build import Size, audited
from pipelines.audit._chance import generator
from pipelines.audit._layout import Layout
from pipelines.audit._own_jobs import OwnJobs
from pipelines.audit._parts import Parts
from pipelines.audit._shapes import SHAPES
from pipelines.audit._stage import Stage
from pipelines.release.books import Books, books_of
from pipelines.release.folder import private_folder
from pipelines.release.plan import plan_with

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.progress import Progress
    from pipelines.release.model import Plan
    from pipelines.spec import ReleaseSpec

    Ints = NDArray[np.int64]

_PERSONS = 6
_PERSONS_STREAM = 2


def own_stage(spec: ReleaseSpec, *, work: Path, size: Size, progress: Progress) -> Stage:
    """Return a stage on the records of a spec: its sources, id map, exclusions, zones and tables.

    The records are read eight times: as they are, with an adversarial person among them, and with
    each of six persons left out, as an exclusion leaves a person out. No budget is charged, because
    nothing leaves ``work``.

    Args:
        spec: A spec whose records are there.
        work: Private folder, made if need be.
        size: ``dates`` limits the dates, ``seed`` chooses the persons; ``people`` and ``apart``
            do not matter.
        progress: Hears how far it is, in percentages.

    Raises:
        SourceError, ResourceError: the records cannot be read.
    """
    folder, chance = private_folder(work), generator(size.seed, _PERSONS_STREAM)
    plan = own_plan(spec, dates=size.dates)
    layout = Layout(
        measurements=plan.measurements,
        mechanisms=tuple(one.noise for one in plan.measurements),
    )
    jobs = OwnJobs(plan=plan, layout=layout, secret=chance.bytes(32), work=folder / "made")
    persons = jobs.persons(chance, _PERSONS)
    parts = Parts(progress, "Reading your records", [1.0] * (2 + len(persons)))
    try:
        total = jobs.total(parts.part())
        shapes = {name: jobs.alone(name) for name in SHAPES}
        raw = [jobs.alone(name, bounded=False) for name in SHAPES]
        worst = max(shapes, key=lambda name: float(np.sum((shapes[name] / layout.sd) ** 2)))
        shapes[worst] = jobs.total(parts.part(), added=worst) - total
        alone = [total - jobs.total(parts.part(), left_out=name) for name in persons]
    finally:
        shutil.rmtree(jobs.work, ignore_errors=True)
    return Stage(
        plan=plan,
        layout=layout,
        left_out=tuple(one.table for one in spec.tables if one.table not in plan.tables),
        total=total,
        vectors=_rows(alone, layout.size),
        shapes=_rows(list(shapes.values()), layout.size),
        shape_names=tuple(shapes),
        raw_shapes=_rows(raw, layout.size),
        crowd=None,
        size=0,
        runs=size.runs,
        seed=size.seed,
        work=folder,
    )


def own_plan(spec: ReleaseSpec, *, dates: int | None) -> Plan:
    """Return the plan of a spec as if nothing had been charged yet."""
    days = min(dates or spec.dates.days, spec.dates.days)
    short = dataclasses.replace(
        spec,
        dates=spec.dates.model_copy(update={"days": days}),
        tables=audited(spec, spans=True),
        derived=(),
    )
    return plan_with(short, books=Books(policy=books_of(spec).policy))


def _rows(vectors: list[Ints], size: int) -> csr_array:
    return csr_array(np.array(vectors, dtype=np.int64).reshape(len(vectors), size))
