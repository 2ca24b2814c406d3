"""The mechanism of a planned measurement, made once for each bounds and rho."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from dp.mechanisms import Mechanism, gaussian, laplace
from pipelines.release.thresholds import threshold_of

if TYPE_CHECKING:
    from dp.bounds import Bounds
    from dp.loss import Loss, Rho
    from dp.mechanisms import Threshold
    from pipelines.schemas.measured import TableParams


def mechanism_of(
    params: TableParams, bounds: Bounds, allotted: Loss, factor: int
) -> Mechanism | Threshold:
    """Return the mechanism of a table for a person's bounds and what it may cost."""
    if params.thresholded:
        return threshold_of(params.table, params.noise, bounds, allotted, factor)
    return noise_of(params.noise, bounds, allotted.rho, factor)


@lru_cache(maxsize=1024)
def noise_of(noise: str, bounds: Bounds, allotted: Rho, factor: int) -> Mechanism:
    """Return the noise of a kind for a person's bounds and a rho."""
    make = laplace if noise == "laplace" else gaussian
    return make(bounds, allotted, factor)
