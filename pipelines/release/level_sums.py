"""The variance of sums of rows that share noise, from a table's file of levels.

Going up the tree with U, the variance of what a sum holds below a node, and A, how much of the
node's correction it takes: a row has U = sd^2; k rows below one node have A = k / cells and add
(k^2 - k) / cells^2 x shared to the sum of their U. One level up a node adds A x gain to A, and the
square of that sum less the sum of squares, times shared, to U. At the top U is the variance: the
covariances of ``dp/postprocess/consistency.md``, added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

LEVEL_FOLDER = "levels"
NODE = "node"
_NOT_KEYS = frozenset({"first_date", "node", "up", "level", "cells", "variance", "gain", "shared"})


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """A file of levels.

    Attributes:
        zoned: Key columns that hold zones: rows that differ in another key share no noise.
        first: First dates, sorted, from which other rows hold.
        up: Position of the node above, -1 for none; shape (first dates x nodes,).
        cells, gain, shared: As in the file, same shape.
    """

    zoned: tuple[str, ...]
    first: NDArray[np.datetime64]
    up: Codes
    cells: Floats
    gain: Floats
    shared: Floats

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Levels:
        """Return the levels in a frame of a file's rows, in the file's order."""
        dates = frame["first_date"].to_numpy().astype("datetime64[D]")
        first = np.unique(dates)
        nodes = len(frame) // len(first)
        offset = np.repeat(np.arange(len(first), dtype=np.int64) * nodes, nodes)
        up = frame["up"].to_numpy(dtype=np.int64)
        numbers = (frame[name].to_numpy(dtype=np.float64) for name in ("cells", "gain", "shared"))
        zoned = tuple(str(c) for c in frame.columns if c not in _NOT_KEYS)
        return cls(zoned, first, np.where(up < 0, -1, up + offset), *numbers)

    def positions(self, dates: NDArray[np.datetime64], nodes: Codes) -> Codes:
        """Return the position of each row's node, by its date."""
        span = np.searchsorted(self.first, dates.astype("datetime64[D]"), side="right") - 1
        return np.asarray(span * (len(self.up) // len(self.first)) + nodes, dtype=np.int64)


def variances(
    levels: Levels, *, group: Codes, apart: Codes, node: Codes, sd: Floats, size: int
) -> Floats:
    """Return the exact variance of the noise of sums of rows, shape (size,).

    Args:
        levels: The table's levels.
        group: Sum of each row.
        apart: A number that two rows share if they share noise: their date and every key without
            zones.
        node: Position of each row's node (``Levels.positions``).
        sd: The rows' sd; 0 where a value is known.
        size: Number of sums.
    """
    noisy = sd > 0
    key = np.stack([group[noisy], apart[noisy], node[noisy]])
    (group, apart, node), at = _grouped(key)
    share: Floats
    variance: Floats
    rows = np.bincount(at, minlength=len(node)).astype(np.float64)
    variance = np.bincount(at, sd[noisy] ** 2, minlength=len(node)).astype(np.float64)
    share = rows / levels.cells[node]
    spread = (share**2 - rows / levels.cells[node] ** 2) * levels.shared[node]
    variance = variance + spread
    found = np.zeros(size)
    while len(node):
        top = levels.up[node] < 0
        found += np.bincount(group[top], variance[top], minlength=size)
        keep = ~top
        part = share[keep] * levels.gain[node[keep]]
        below = variance[keep]
        key = np.stack([group[keep], apart[keep], levels.up[node[keep]]])
        (group, apart, node), at = _grouped(key)
        share = np.bincount(at, part, minlength=len(node)).astype(np.float64)
        squares = np.bincount(at, part**2, minlength=len(node))
        variance = np.bincount(at, below, minlength=len(node)).astype(np.float64)
        variance = variance + (share**2 - squares) * levels.shared[node]
    return np.maximum(found, 0.0)


def _grouped(key: NDArray[np.int64]) -> tuple[NDArray[np.int64], Codes]:
    if not key.shape[1]:
        return key, np.zeros(0, dtype=np.int64)
    kept, at = np.unique(key, axis=1, return_inverse=True)
    return kept, at.reshape(-1).astype(np.int64)


def read_levels(path: str | Path) -> pd.DataFrame:
    """Return the rows of a file of levels; ids stay text."""
    import pandas as pd

    names = pd.read_csv(path, nrows=0).columns
    ids = {name: str for name in names if name not in _NOT_KEYS or name == "level"}
    return pd.read_csv(path, dtype=ids, parse_dates=["first_date"], keep_default_na=False)
