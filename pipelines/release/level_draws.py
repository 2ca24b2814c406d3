"""Plausible totals of places, for draws of a table at several levels.

Drawn cell by cell, a city's total would scatter as if its cells were independent; the release knows
it far better. So totals are drawn from the top: the city's from its estimate and sd, then each
parent's, scaled to the city's; cells are scaled to their place's. Everything stays 0 or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.models.draws import plausible, stream
from pipelines.release.level_sums import NODE, Levels

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
_NOT_KEYS = frozenset({"value", "sd", "lo95", "hi95", "status", "bin_start", NODE})


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """The places of one level.

    Attributes:
        below: Position of the place of each entry one level down.
        mean: Published values.
        sd: Standard deviation of their noise.
    """

    below: Codes
    mean: Floats
    sd: Floats


@dataclass(frozen=True, slots=True, eq=False)
class TotalDraws:
    """The places above a table's rows, the parents first."""

    places: tuple[_Places, ...]

    @classmethod
    def of(cls, frame: pd.DataFrame, levels: pd.DataFrame) -> TotalDraws:
        """Return the places of a table's published rows.

        Args:
            frame: The rows of ``tables/``, with ``node``.
            levels: Its file of levels.
        """
        tree = Levels.of(levels)
        spread = np.sqrt(levels["variance"].to_numpy(np.float64))
        keys = [c for c in frame.columns if c not in _NOT_KEYS and c not in tree.zoned]
        apart = np.asarray(frame.groupby(keys, observed=True, dropna=False).ngroup(), np.int64)
        node = tree.positions(frame["date"].to_numpy(), frame[NODE].to_numpy(np.int64))
        value = frame["value"].fillna(0.0).to_numpy(np.float64)
        found = []
        while len(node):
            (apart, node), below = _grouped(np.stack([apart, node]))
            value = np.bincount(below, value, minlength=len(node)).astype(np.float64)
            found.append(_Places(below, value, spread[node]))
            node = tree.up[node]
            if (node < 0).all():
                break
        return cls(tuple(found))

    def fitted(self, value: Floats, *, seed: int, number: int, name: str) -> Floats:
        """Return drawn cells scaled to drawn totals; cells that are all 0 stay 0.

        Args:
            value: A draw of the cells.
            seed: The draws' public seed.
            number: Number of the draw.
            name: Name of the table.
        """
        rng = stream(seed, draw=number, name=f"{name} at its levels")
        drawn = [plausible(places.mean, places.sd, rng=rng) for places in reversed(self.places)]
        cells = [value, *reversed(drawn)]
        for level in range(len(self.places) - 1, -1, -1):
            cells[level] = _scaled(cells[level], self.places[level].below, cells[level + 1])
        return cells[0]


def _scaled(parts: Floats, above: Codes, totals: Floats) -> Floats:
    sums = np.bincount(above, parts, minlength=len(totals))
    scale = np.divide(totals, sums, out=np.zeros_like(totals), where=sums > 0)
    return np.asarray(parts * scale[above], dtype=np.float64)


def _grouped(key: NDArray[np.int64]) -> tuple[NDArray[np.int64], Codes]:
    kept, at = np.unique(key, axis=1, return_inverse=True)
    return kept, at.reshape(-1).astype(np.int64)
