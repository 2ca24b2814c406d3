"""What made-up persons add to a release over its first dates, by the production path."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.audit._chance import generator
from pipelines.audit._layout import Layout
from pipelines.audit._vectors import Persons, vectors_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from pipelines.audit._stage import Stage
    from pipelines.schemas.calendar import MobilityDay

    Floats = NDArray[np.float64]

_SECRET = 7


def contributions(
    stage: Stage, records: Iterable[pa.Table], *, count: int, dates: int
) -> tuple[csr_array, Layout]:
    """Return bounded contributions over the first ``dates`` dates of a stage, one row a person.

    Args:
        stage: Whose zones, tables, bounds and noise.
        records: Fixes with the person's row in a column ``number``.
        count: How many persons.
        dates: How many dates; the columns are the first of the stage's.
    """
    plan = stage.plan
    kept = [i for i, one in enumerate(plan.measurements) if one.day.index < dates]
    calendar = dataclasses.replace(plan.world.calendar, days=dates)
    short = dataclasses.replace(
        plan,
        world=dataclasses.replace(plan.world, calendar=calendar),
        measurements=tuple(plan.measurements[i] for i in kept),
    )
    layout = Layout(
        measurements=short.measurements,
        mechanisms=tuple(stage.layout.mechanisms[i] for i in kept),
    )
    secret = generator(stage.seed, _SECRET).bytes(32)
    persons = Persons(plan=short, layout=layout, secret=secret, work=stage.work)
    return vectors_of(persons, records=records, count=count), layout


def fixes(where: Floats, *, day: MobilityDay, at: Floats) -> pa.Table:
    """Return one date's fixes of made-up persons.

    Args:
        where: Longitude and latitude, WGS 84, shape (persons, seconds, 2).
        day: The date.
        at: Seconds since the date's start, shape (seconds,).
    """
    number = np.repeat(np.arange(len(where)), at.size)
    seconds = np.tile(day.start_s + at.astype(np.int64), len(where))
    lon_lat = where.reshape(-1, 2)
    return pa.table(
        {
            "subscriber": pa.array([f"m{i}" for i in number]),
            "ts": pa.array(seconds).cast(pa.timestamp("s", tz="UTC")),
            "lat": np.round(lon_lat[:, 1], 6),
            "lon": np.round(lon_lat[:, 0], 6),
            "number": number,
        }
    )
