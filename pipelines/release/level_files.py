"""``levels/``: what a reader needs to add rows of a table at several levels with the right error.

Estimates that are consistent over levels share noise. Rows of one date (and of one value of every
key without zones) form a tree: zones below parents below the city. A file names, for each place
above the zones, how much of its correction it hands down; with the row's own sd that gives the
exact variance of any sum (``pipelines.release.level_sums``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.release.columns import LABEL, Column, schema_of
from pipelines.release.files import CsvFile
from pipelines.release.level_sums import LEVEL_FOLDER
from pipelines.release.levels import tree_of
from pipelines.schemas.levels import LEVELS

if TYPE_CHECKING:
    from pathlib import Path

    from dp.keys import KeySet
    from dp.postprocess import LevelTree
    from pipelines.release.model import Plan


def level_columns(plan: Plan, table: str) -> tuple[Column, ...]:
    """Return the columns of a table's file of levels."""
    tree = tree_of(plan.at(plan.of(table)[0]), world=plan.world)
    assert tree is not None, "only a table with levels has such a file"
    number, whole = pa.float64(), pa.int64()
    first = "the rows hold from this date on, until the next first_date"
    words = "; ".join(f"{name}: {LEVELS[name]}" for name in plan.levels(table)[1:])
    shared = (
        "covariance of two different places one level down, each divided by its gain: variance less"
        " that of the sum of what lies below; a zone's gain is 1 / cells of its node"
    )
    up = "number of the node one level up; -1 for none"
    gain = "part of the correction of the node above that this node takes; 0 at the top"
    return (
        Column(name="first_date", type=pa.date32(), meaning=first, key=True),
        Column(name="node", type=whole, meaning="number of the node", key=True),
        Column(name="up", type=whole, meaning=up),
        Column(name="level", type=LABEL, meaning=words),
        *(Column(name=name, type=LABEL, meaning="place") for name in tree.keys.names),
        Column(name="cells", type=whole, meaning="cells with noise that lie below"),
        Column(name="variance", type=number, meaning="variance of the node's estimate"),
        Column(name="gain", type=number, meaning=gain),
        Column(name="shared", type=number, meaning=shared),
    )


def write_levels(folder: Path, plan: Plan, table: str) -> None:
    """Write ``levels/TABLE.csv``: one row for every node above the zones, for every other noise."""
    (folder / LEVEL_FOLDER).mkdir(exist_ok=True)
    schema = schema_of(level_columns(plan, table))
    last: LevelTree | None = None
    with CsvFile(folder / LEVEL_FOLDER / f"{table}.csv", schema) as file:
        for one in plan.of(table):
            tree = tree_of(plan.at(one), world=plan.world)
            assert tree is not None, "every date has the levels of the first"
            if last is None or tree.laws != last.laws:
                names = plan.levels(table)[1:]
                arrays = _arrays(tree, names, first=np.datetime64(one.date, "D"))
                file.write(pa.Table.from_arrays(arrays, schema=schema))
            last = tree


def _arrays(tree: LevelTree, names: tuple[str, ...], *, first: np.datetime64) -> list[pa.Array]:
    found, sizes = tree.solved, tree.tree.sizes
    starts = np.cumsum([0, *sizes[1:]])
    measured = tree.keys.measured
    total = int(starts[-1])
    ups, cells, gains, shared = [], [], [], []
    for level in range(1, len(sizes)):
        top = level == len(sizes) - 1
        size = sizes[level]
        ups.append(np.full(size, -1) if top else tree.tree.up[level] + starts[level])
        gains.append(np.zeros(size) if top else found.gains[level])
        shared.append(found.variances[level] - found.below[level])
        below = tree.lifts[level - 1].cells()[measured]
        cells.append(np.bincount(below, minlength=size))
    levels = np.repeat(np.arange(len(names)), sizes[1:]).astype(np.int32)
    keys = [lift.coarse for lift in tree.lifts]
    variances = np.concatenate(found.variances[1:])
    return [
        pa.array(np.full(total, first)),
        pa.array(np.arange(total, dtype=np.int64)),
        pa.array(np.concatenate(ups).astype(np.int64)),
        pa.DictionaryArray.from_arrays(pa.array(levels), pa.array(names)),
        *_labels(keys),
        pa.array(np.concatenate(cells).astype(np.int64)),
        *(pa.array(one) for one in (variances, np.concatenate(gains), np.concatenate(shared))),
    ]


def _labels(keys: list[KeySet]) -> Iterator[pa.Array]:
    for name in keys[0].names:
        labels: dict[str, int] = {}
        parts = []
        for level in keys:
            values = [str(v) for v in level.keys[level.position(name)].values]
            at = np.array([labels.setdefault(v, len(labels)) for v in values], dtype=np.int32)
            parts.append(at[level.codes(name)])
        codes = pa.array(np.concatenate(parts))
        yield pa.DictionaryArray.from_arrays(codes, pa.array(list(labels), pa.string()))
