"""The one file that imports opendp: costs and draws.

OpenDP is imported when first needed (0.1 s): its prelude would take ten times as long. Only what is
used is asked for: integer vectors, whose samplers are exact and whose noise lies on the integers.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, assert_never

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dp.bounds import Bounds
    from dp.law import NoiseKind


@lru_cache(maxsize=256)
def _measurement(kind: NoiseKind, scale: float) -> Any:
    """Return OpenDP's measurement over vectors of 64-bit integers."""
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_gaussian, make_laplace
    from opendp.metrics import l1_distance, l2_distance
    from opendp.mod import enable_features

    enable_features("contrib")
    vectors = vector_domain(atom_domain(T="i64"))
    if kind == "discrete_gaussian":
        return make_gaussian(vectors, l2_distance(T="f64"), scale=scale)
    if kind == "discrete_laplace":
        return make_laplace(vectors, l1_distance(T="i64"), scale=scale)
    assert_never(kind)


def rho(kind: NoiseKind, scale: float, bounds: Bounds) -> Fraction:
    """Return what OpenDP's map says that noise of this scale costs, as the exact rho.

    The Gaussian's map gives rho for the L2 bound. The Laplace's gives the epsilon of pure DP for
    the L1 bound, and epsilon-DP is epsilon^2 / 2 zCDP (Bun and Steinke 2016, Proposition 1.4).
    """
    measurement = _measurement(kind, scale)
    if kind == "discrete_gaussian":
        return Fraction(measurement.map(bounds.l2))
    return Fraction(measurement.map(bounds.l1)) ** 2 / 2


def add_noise(kind: NoiseKind, scale: float, totals: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ``totals`` plus independent noise in every cell; int64, same shape (cells,)."""
    writable = np.array(totals, dtype=np.int64, order="C")  # read-only arrays are not taken
    drawn = _measurement(kind, scale)(writable)
    return np.asarray(drawn, dtype=np.int64)
