"""Whole releases of simulated people, through the door: ledger, draw, store, folder, and all."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dp.ledger import Ledger
from pipelines.audit._shapes import fixes
from pipelines.release.books import Books
from pipelines.release.folder import private_folder
from pipelines.release.plan import plan_with
from pipelines.release.read import read_release
from pipelines.release.run import release

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pipelines.audit._stage import Stage
    from pipelines.release.model import Plan
    from pipelines.spec import ReleaseSpec

    Ints = NDArray[np.int64]


_ANCHORS = "MURMURATION_ANCHORS"


def one_date(stage: Stage, *, people: int, shape: str | None, name: str) -> ReleaseSpec:
    """Return the spec of a release of the first date, with records of its own.

    Args:
        stage: Whose simulated people and settings.
        people: How many of them, from the first.
        shape: An adversarial person whose records are added; None for nobody.
        name: Of the folder that holds records, ledger and release.
    """
    assert stage.crowd is not None, "whole releases are of simulated people"
    folder = private_folder(stage.work / "door" / name)
    spec, day = stage.plan.spec, stage.crowd.calendar.dates[0]
    known = pa.array(stage.crowd.ids[:people].tolist())
    table = pq.read_table(
        stage.work / "pings" / f"{day.date}.parquet",
        filters=[("subscriber", "in", known.to_pylist())],
    ).select(["subscriber", "ts", "lat", "lon"])
    if shape is not None:
        ids = stage.plan.policy.unit.multiplicity
        added = fixes(
            [f"target-{k}" for k in range(ids)], shape, zones=stage.plan.world.zones, day=day
        )
        table = pa.concat_tables([table, added.cast(table.schema)])
    path = folder / "pings.parquet"
    path.touch(mode=0o600)
    pq.write_table(table, path)
    return dataclasses.replace(
        spec,
        dates=spec.dates.model_copy(update={"days": 1}),
        series=spec.series.model_copy(update={"ledger": folder / "audit.ledger", "policy": None}),
        sources=(dataclasses.replace(spec.sources[0], path=path),),
        release=spec.release.model_copy(
            update={"work": folder / "work", "folder": folder / "releases"}
        ),
    )


def released(stage: Stage, spec: ReleaseSpec) -> Ints:
    """Make a release with a ledger of its own and return its measurements, in lattice units.

    The ledger is that of people who do not exist. It, its anchor and the folder are removed.
    """
    home = spec.series.ledger.parent
    planned = plan_with(spec, books=Books(policy=stage.plan.policy), zones=stage.plan.world.zones)
    with own_anchors(home / "anchors"):
        try:
            with Ledger.create(spec.series.ledger, stage.plan.policy):
                pass
            return measurements(release(planned, engine=spec.engine_name), planned)
        finally:
            shutil.rmtree(home, ignore_errors=True)


def measurements(folder: Path, plan: Plan) -> Ints:
    """Return a release's raw measurements of one date, in the plan's order."""
    opened = read_release(folder, check=True)
    return np.concatenate(
        [
            opened.measurements(one.table, one.level)["lattice"].to_numpy(np.int64)
            for one in plan.measurements
        ]
    )


@contextmanager
def own_anchors(folder: Path) -> Iterator[None]:
    """Keep the anchors of simulated ledgers in a folder of their own, away from the user's."""
    before = os.environ.get(_ANCHORS)
    os.environ[_ANCHORS] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_ANCHORS]
        else:
            os.environ[_ANCHORS] = before
