"""``for_models/``: smaller errors, biased on purpose, non-negative integers. Never to be summed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from pipelines.models.cells import bounded, flow_pool, layout_of
from pipelines.models.seasonal import day_kinds, smooth
from pipelines.release.columns import Column
from pipelines.release.layers.base import (
    MAX_CELLS,
    STATUS,
    LayerFile,
    Made,
    Pair,
    both,
    codes_in,
    judged,
    key_arrays,
    keys_in,
    status_array,
)
from pipelines.release.model import PlannedMeasurement
from pipelines.release.status import NO_DATA, PARTIAL
from pipelines.tables import TABLES

FOLDER = "for_models"
NEVER_SUM = "biased on purpose: never sum it, sum tables/ instead"


def write_for_models(made: Made) -> list[LayerFile]:
    """Write the biased estimates of every table that fits into memory."""
    if not made.plan.spec.layers.for_models:
        return []
    files: list[LayerFile] = []
    for name in made.plan.tables:
        if sum(one.keys.size for one in made.plan.of(name)) > MAX_CELLS:
            continue
        columns, stem = _columns(made, name), f"{FOLDER}/{name}_biased"
        with Pair(made.folder / stem, columns) as pair:
            found = {i: arrays for own in _by_keys(made, name) for i, arrays in _dates(made, own)}
            for index in sorted(found):
                pair.write(found[index])
        title = f"Layer 4, {NEVER_SUM}. {TABLES[name].summary}"
        files += both(stem, columns, title=title, order="as in tables/")
    return files


def _by_keys(made: Made, name: str) -> list[list[PlannedMeasurement]]:
    """Return a table's dates by key set: a clock change has other bins."""
    found: dict[str, list[PlannedMeasurement]] = {}
    for one in made.plan.of(name):
        found.setdefault(one.keys.digest, []).append(one)
    return list(found.values())


def _dates(made: Made, own: list[PlannedMeasurement]) -> Iterator[tuple[int, list[pa.Array]]]:
    """Yield the number and the columns of each of some dates with one key set."""
    keys, world = own[0].keys, made.plan.world
    noisy = [made.recall(one) for one in own]
    rows = [made.rows(one) for one in own]
    found = smooth(
        np.stack([one.values for one in noisy]),
        sd=np.array([one.law.sd for one in own]),
        kinds=_kinds(made, own, rows),
        measured=keys.measured,
        pool=flow_pool(keys, world),
    )
    layout, limit = layout_of(keys, world), made.plan.spec.release.max_relative_sd
    for i, one in enumerate(own):
        # smoothed from raw cells, whose noise is independent; the totals are the published ones
        mean, whole = bounded(
            found.mean[i], sd=found.sd[i], noisy=made.best(one).values, layout=layout
        )
        low = np.minimum(found.lo[i], np.floor(mean))
        high = np.maximum(found.hi[i], np.ceil(mean))
        codes = judged(codes_in(rows[i]), precise=found.sd[i] <= limit * mean)
        yield (
            one.day.index,
            [
                *key_arrays(rows[i], made.shapes[one.table]),
                pa.array(whole),
                pa.array(mean),
                pa.array(found.sd[i]),
                *(pa.array(end.astype(np.int64)) for end in (low, high)),
                pa.array(found.zero[i]),
                status_array(codes),
            ],
        )


def _kinds(made: Made, own: list[PlannedMeasurement], rows: list[pa.Table]) -> list[str]:
    """Return each date's kind; one with a declared outage says nothing of other dates."""
    holidays = frozenset(made.plan.spec.layers.holidays)
    kinds = day_kinds([one.date for one in own], holidays=holidays)
    dark = [bool(np.isin(codes_in(one), (NO_DATA, PARTIAL)).any()) for one in rows]
    return [
        f"outage {one.date}" if out else kind
        for one, kind, out in zip(own, kinds, dark, strict=True)
    ]


def _columns(made: Made, name: str) -> tuple[Column, ...]:
    counts = TABLES[name].counts
    whole = f"a whole number that is 0 or more; {NEVER_SUM}"
    mean = f"posterior mean, 0 or more, fitted to the total, before rounding; {NEVER_SUM}"
    sd = "posterior standard deviation under the model; it does not cover a wrong model"
    end = "end of the posterior's 95% interval, a whole number of 0 or more"
    zero = "posterior probability that the true count is 0; 0 where only the noisy value is known"
    status = "as in tables/, its precision judged by biased_sd"
    return (
        *keys_in(made.shapes[name]),
        Column(name="biased_value", type=pa.int64(), meaning=whole, unit=counts),
        Column(name="biased_mean", type=pa.float64(), meaning=mean, unit=counts),
        Column(name="biased_sd", type=pa.float64(), meaning=sd, unit=counts),
        Column(name="biased_lo95", type=pa.int64(), meaning=f"lower {end}", unit=counts),
        Column(name="biased_hi95", type=pa.int64(), meaning=f"upper {end}", unit=counts),
        Column(name="biased_zero", type=pa.float64(), meaning=zero),
        Column(name="status", type=STATUS, meaning=status),
    )
