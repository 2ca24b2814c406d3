"""The command line with noise that is chosen: every draw gives the same agreed vector.

For data D the noise is "agreed - totals of D", and for D' it is "agreed - totals of D'". Both are
possible, and then nothing that leaves may tell D from D'. Only a test can put such noise in.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp.mechanisms import Mechanism, Threshold
from pipelines.cli.app import main


def _agreed(_self: Mechanism, totals: NDArray[Any], **_more: Any) -> NDArray[np.int64]:
    return np.random.default_rng(totals.size).integers(-500, 5000, totals.size)


def _agreed_cells(
    self: Threshold, *_: Any, **_more: Any
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.array([1, 4], dtype=np.int64), np.array([0, 7], dtype=np.int64) + self.threshold


if __name__ == "__main__":
    Threshold.draw = _agreed_cells  # type: ignore[method-assign,assignment]
    Mechanism.draw = _agreed  # type: ignore[method-assign,assignment]
    sys.argv = ["murmuration", *sys.argv[1:]]
    main()
