"""``coarse/``: each table's finest cells that are precise enough, week by week."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from dp.postprocess import Best, Single, Sums
from pipelines.coarse.blocks import Codes, Floats, Partition, finest
from pipelines.coarse.chains import BIN, PLACES, TIMES, Base, Step, base_of, chains_of, places_of
from pipelines.release.columns import CONFIDENCE, Column
from pipelines.release.layers.base import (
    LABEL,
    MAX_CELLS,
    STATUS,
    LayerFile,
    Made,
    Pair,
    both,
    codes_in,
    label_array,
    status_array,
)
from pipelines.release.model import PlannedMeasurement
from pipelines.release.status import LOW_PRECISION, NO_DATA, OK, PARTIAL, STRUCTURAL_ZERO
from pipelines.schemas.levels import ZONE, level_of
from pipelines.schemas.world import World
from pipelines.tables import TABLES
from pipelines.tables._levels import lift_of

FOLDER = "coarse"
WEEK = 7
WHOLE_SPAN = "all dates"
SELECTED = (
    "rows are chosen by noisy values: their intervals hold as stated (simulated), but values of"
    " rows near the limit lean low by up to 0.4 sd"
)


def write_coarse(made: Made) -> list[LayerFile]:
    """Write the coarser cells of every table whose week fits into memory."""
    if not made.plan.spec.layers.coarse:
        return []
    files: list[LayerFile] = []
    for name in made.plan.tables:
        if made.plan.of(name)[0].keys.size * WEEK > MAX_CELLS:
            continue
        columns = _columns(made, name)
        with Pair(made.folder / FOLDER / name, columns) as pair:
            for week in _weeks(made.plan.of(name)):
                pair.write(_week(made, week))
        title = (
            f"Coarser cells instead of blanks: {TABLES[name].summary} Every cell of tables/ lies in"
            " exactly one row; values add up to the same total."
        )
        order = "by the first cell of tables/ that each row holds"
        files += both(f"{FOLDER}/{name}", columns, title=title, order=order)
    return files


def _weeks(own: tuple[PlannedMeasurement, ...]) -> Iterator[list[PlannedMeasurement]]:
    """Yield seven dates at a time from the release's first date; the last may be fewer."""
    for start in range(0, len(own), WEEK):
        yield list(own[start : start + WEEK])


def _week(made: Made, week: list[PlannedMeasurement]) -> list[pa.Array]:
    world, keys = made.plan.world, [one.keys for one in week]
    bin_s = int(getattr(week[0].params, "bin_s", 0))
    best = [made.best(one) for one in week]
    statuses = np.concatenate([codes_in(made.rows(one)) for one in week])
    values = np.concatenate([one.values for one in best])
    spread = _spread(best, world=world)
    base = base_of(keys, days=[one.day for one in week], world=world, bin_s=bin_s)
    chains = chains_of(base, world=world, bin_s=bin_s, has_bins=BIN in keys[0].names)
    limit = made.plan.spec.release.max_relative_sd
    groupings = [
        [replace(step.grouping, parts=spread[step.place][0]) for step in chain] for chain in chains
    ]
    picked, found = finest(values, spread[ZONE][0], groupings, limit=limit)
    sums = _sums(best, values, spread=spread, chain=chains[picked], found=found)
    codes = _statuses(found, sums, statuses=statuses, limit=limit)
    where = _where(made, week, base=base, chain=chains[picked], found=found)
    lo, hi = sums.interval(CONFIDENCE)
    count = np.bincount(found.block, minlength=found.size).astype(np.int64)
    figures = [pa.array(one) for one in (sums.value, sums.sd, lo, hi)]
    return [*where, pa.array(count), *figures, status_array(codes)]


Spread = dict[str, tuple[Floats, Floats]]
"""By level of places: each cell's parts of its place's variance and fourth cumulant."""


def _spread(best: Sequence[Best], *, world: World) -> Spread:
    """Return the parts of the noise of each level's places.

    They are the cells' own where the noise of cells is independent. Where a table has levels, cells
    of one place share noise, and its variance is split evenly over them.
    """
    found: dict[str, list[Sums]] = {name: [] for name in PLACES}
    for one in best:
        for name in PLACES:
            alone = isinstance(one, Single) or name == ZONE or level_of(world, name) is None
            found[name].append(one.cells() if alone else _split(one, name, world=world))
    return {
        name: (
            np.concatenate([one.variance for one in sums]),
            np.concatenate([one.fourth for one in sums]),
        )
        for name, sums in found.items()
    }


def _split(best: Best, name: str, *, world: World) -> Sums:
    lift = lift_of(best.keys, world, name)
    cells, size = lift.cells(), lift.coarse.size
    sums, count = best.sums(cells, size), np.bincount(cells, minlength=size)
    return Sums(best.values, (sums.variance / count)[cells], (sums.fourth / count)[cells])


def _sums(
    best: Sequence[Best], values: Floats, *, spread: Spread, chain: list[Step], found: Partition
) -> Sums:
    """Return the sum of each block with its error."""
    places = [step.place for step in chain]
    variance, fourth = (
        np.choose(found.level, [spread[place][i] for place in places]) for i in range(2)
    )
    step = 0.0
    total = np.bincount(found.block, weights=values, minlength=found.size).astype(np.float64)
    if isinstance(best[0], Single):
        factor = best[0].noisy.law.factor
        # whole numbers: the total is kept exactly
        whole = np.zeros(found.size, dtype=np.int64)
        lattice = [one.noisy.lattice for one in best if isinstance(one, Single)]
        np.add.at(whole, found.block, np.concatenate(lattice))
        total, step = whole / float(factor), 1.0 / factor
    return Sums(
        total,
        np.bincount(found.block, weights=variance, minlength=found.size).astype(np.float64),
        np.bincount(found.block, weights=fourth, minlength=found.size).astype(np.float64),
        step,
    )


def _statuses(found: Partition, sums: Sums, *, statuses: np.ndarray, limit: float) -> np.ndarray:
    """Return each block's status: no_data where all its cells are dark, partial where some are."""

    def counted(mask: np.ndarray) -> np.ndarray:
        return np.bincount(found.block, weights=mask, minlength=found.size)

    cells = counted(statuses != STRUCTURAL_ZERO)
    dark, touched = counted(statuses == NO_DATA), counted(np.isin(statuses, (NO_DATA, PARTIAL)))
    codes = np.where(sums.sd <= limit * sums.value, OK, LOW_PRECISION)
    codes = np.where(touched > 0, PARTIAL, codes)
    codes = np.where((dark > 0) & (dark == cells), NO_DATA, codes)
    return np.where(cells == 0, STRUCTURAL_ZERO, codes).astype(np.int8)


def _where(
    made: Made,
    week: list[PlannedMeasurement],
    *,
    base: Base,
    chain: list[Step],
    found: Partition,
) -> list[pa.Array]:
    """Return the columns that say which cells each row holds."""
    first, last = (
        np.array([np.datetime64(one.reads[end], "D") for one in week]) for end in (0, -1)
    )
    low, high = _ends(base.date, found)
    arrays = [pa.array(first[low]), pa.array(last[high])]
    if BIN in week[0].keys.names:
        arrays += [pa.array(end) for end in _ends(base.bin, found)]
    level = found.level[found.first]
    places = np.array([PLACES.index(step.place) for step in chain])[level]
    spans = TABLES[week[0].table].spans
    names = (WHOLE_SPAN,) if spans else TIMES
    times = np.array([0 if spans else TIMES.index(step.time) for step in chain])[level]
    for name, codes in base.keys.items():
        arrays.append(_labels(made, base, name, codes=codes[found.first], places=places))
    return [*arrays, label_array(times, names), label_array(places, PLACES)]


def _ends(codes: Codes, found: Partition) -> tuple[Codes, Codes]:
    """Return the least and largest code in each block."""
    low, high = codes[found.first], codes[found.first].copy()
    np.minimum.at(low, found.block, codes)
    np.maximum.at(high, found.block, codes)
    return low, high


def _labels(made: Made, base: Base, name: str, *, codes: Codes, places: Codes) -> pa.Array:
    own = base.labels[name]
    if name not in base.zoned:
        return label_array(codes, own)
    labels = dict.fromkeys(own)
    lifted = codes.copy()
    for place, names, at in places_of(made.plan.world):
        labels.update(dict.fromkeys(names))
        number = {label: i for i, label in enumerate(labels)}
        here = (places == PLACES.index(place)) & (codes < len(at))
        spots = np.array([number[one] for one in names], dtype=np.int64)
        lifted[here] = spots[at[codes[here]]]
    return label_array(lifted, list(labels))


def _columns(made: Made, name: str) -> tuple[Column, ...]:
    shape, counts = made.shapes[name], TABLES[name].counts
    names = made.plan.of(name)[0].keys.names
    ends = [("from_date", "first date"), ("to_date", "last date")]
    columns = [
        Column(name=n, type=pa.date32(), meaning=f"{text} that the row holds", key=True)
        for n, text in ends
    ]
    if BIN in names:
        meaning = "time bin within each date that the row holds"
        columns += [
            Column(name=n, type=pa.int64(), meaning=f"{end} {meaning}", key=True)
            for n, end in (("from_bin", "first"), ("to_bin", "last"))
        ]
    meanings = {column.name: column.meaning for column in shape.columns}
    columns += [
        Column(name=n, type=LABEL, meaning=f"{meanings[n]}; at the level in place", key=True)
        for n in names
        if n != BIN
    ]
    number, interval = pa.float64(), f"of the {CONFIDENCE:.0%} noise interval; {SELECTED}"
    value = "sum of the noisy cells: over bins and dates too, so divide by their number for a mean"
    levels = "level of time: bin, day part, date or week"
    if TABLES[name].spans:
        levels = "level of time: all dates, which are read at once"
    place = "level of the zones: zone, parent (all its zones) or city (all zones)"
    return (
        *columns,
        Column(name="time", type=LABEL, meaning=levels),
        Column(name="place", type=LABEL, meaning=place, key=True),
        Column(name="cells", type=pa.int64(), meaning="cells of tables/ that the row sums"),
        Column(name="value", type=number, meaning=value, unit=counts),
        Column(name="sd", type=number, meaning="standard deviation of its noise", unit=counts),
        Column(name="lo95", type=number, meaning=f"lower end {interval}", unit=counts),
        Column(name="hi95", type=number, meaning=f"upper end {interval}", unit=counts),
        Column(name="status", type=STATUS, meaning="ok, or why it may not be read by itself"),
    )
