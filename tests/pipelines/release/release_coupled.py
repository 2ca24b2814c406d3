"""The command line with noise that is chosen: every draw gives the same agreed vector.

For data D the noise is "agreed - totals of D", and for D' it is "agreed - totals of D'". Both are
possible, and then nothing that leaves may tell D from D'. Only a test can put such noise in.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp.mechanisms import Mechanism
from pipelines.cli.app import main


def _agreed(_self: Mechanism, totals: NDArray[Any], **_more: Any) -> NDArray[np.int64]:
    return np.random.default_rng(totals.size).integers(-500, 5000, totals.size)


if __name__ == "__main__":
    Mechanism.draw = _agreed  # type: ignore[method-assign,assignment]
    sys.argv = ["murmuration", *sys.argv[1:]]
    main()
