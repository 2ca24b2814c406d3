"""diffprivlib: a noisy histogram of rows. It does not bound what one person adds."""

from __future__ import annotations

from collections.abc import Callable


def load() -> Callable[[str], int]:
    import warnings

    import numpy as np
    import pyarrow.parquet as pq
    from diffprivlib.tools import histogram2d

    warnings.simplefilter("ignore")

    def work(file: str) -> int:
        visits = pq.read_table(file, columns=["zone", "hour"])
        zone, hour = (visits[name].to_numpy() for name in ("zone", "hour"))
        counts, _, _ = histogram2d(
            zone,
            hour,
            epsilon=1.0,
            bins=[np.arange(2001), np.arange(25)],
            range=[(0, 2000), (0, 24)],
        )
        return int(counts.size)

    return work
