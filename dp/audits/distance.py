"""How far two neighbouring data sets lie apart once totals are bounded, and what that costs.

The norms are exact integers and the costs exact fractions: a law that is broken by one unit shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from dp.bounds import Bounds
from dp.law import NoiseLaw

NORMS = ("l0", "l1", "l2_squared", "linf")


def difference(whole: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what has to be added to ``other`` to give ``whole``; int64, shape (cells,).

    Raises:
        ValueError: the vectors are not of one length: their key sets differ, and a key set that
            depends on the data is a fault of its own.
    """
    if whole.shape != other.shape:
        raise ValueError(
            f"totals of {whole.size} and of {other.size} cells have no difference: the key set "
            "must not depend on the data"
        )
    return whole - other


def sparse_difference(whole: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    """Return the same for totals by cell: only cells that differ."""
    cells = whole.keys() | other.keys()
    changes = {cell: whole.get(cell, 0) - other.get(cell, 0) for cell in cells}
    return {cell: change for cell, change in changes.items() if change}


def norms(change: NDArray[np.int64] | Iterable[int]) -> Bounds | None:
    """Return the four norms of a change, exact; None where nothing changed."""
    listed = change[change != 0].tolist() if isinstance(change, np.ndarray) else change
    sizes = [abs(v) for v in listed if v]
    if not sizes:
        return None
    return Bounds(
        l0=len(sizes), l1=sum(sizes), l2_squared=sum(v * v for v in sizes), linf=max(sizes)
    )


def exceeded(change: Bounds | None, allowed: Bounds) -> tuple[str, ...]:
    """Return the names of the norms in which a change is larger than what is allowed."""
    if change is None:
        return ()
    return tuple(name for name in NORMS if getattr(change, name) > getattr(allowed, name))


def rho_of(change: Bounds | None, law: NoiseLaw) -> Fraction:
    """Return the rho that noise of this law costs whoever makes exactly this change.

    Gaussian: |v|_2^2 / (2 sigma^2), exact for the discrete Gaussian too (Canonne, Kamath and
    Steinke 2020, arXiv 2004.00010, Theorem 14). Laplace: (|v|_1 / b)^2 / 2, by pure DP (Bun and
    Steinke 2016, arXiv 1605.02065, Proposition 1.4). It is at most the mechanism's cost where the
    change is within the bounds that the mechanism was made for.
    """
    if change is None:
        return Fraction(0)
    scale = Fraction(law.scale)
    if law.kind == "discrete_gaussian":
        return change.l2_squared / (2 * scale**2)
    return (change.l1 / scale) ** 2 / 2


def quadratic_form(changes: Iterable[tuple[Bounds | None, NoiseLaw]]) -> Fraction:
    """Return v' Q' Sigma^-1 Q v of a whole release: at most twice the rho that it was charged.

    v is what one person adds to the records, Q takes it to all measurements, Sigma is the
    diagonal matrix of the noise's squared scales. Independent Gaussian measurements lose exactly
    half of this (composition adds up); a Laplace measurement counts (|v|_1 / b)^2.

    Args:
        changes: For each measurement, how far it moved and the law of its noise.
    """
    return sum((2 * rho_of(change, law) for change, law in changes), Fraction(0))
