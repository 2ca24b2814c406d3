"""Putting estimates together in row order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dp.postprocess import Estimate

_PARTS = ("value", "sd", "lo", "hi")


def joined(parts: Sequence[Estimate], *, by_cell: bool = False) -> Estimate:
    """Return flat estimates one after the other; with ``by_cell``, cell by cell over the parts."""

    def one(name: str) -> NDArray[np.float64]:
        arrays = [getattr(part, name).ravel() for part in parts]
        return np.stack(arrays, axis=1).ravel() if by_cell else np.concatenate(arrays)

    return Estimate(*(one(name) for name in _PARTS))


def zeroed(estimate: Estimate, zero: NDArray[np.bool_]) -> Estimate:
    """Return an estimate that is exactly 0 where it is 0 by definition."""
    return Estimate(*(np.where(zero, 0.0, getattr(estimate, name)) for name in _PARTS))


def withheld(estimate: Estimate, missing: NDArray[np.bool_]) -> Estimate:
    """Return an estimate that is nan where no value is published."""
    return Estimate(*(np.where(missing, np.nan, getattr(estimate, name)) for name in _PARTS))
