"""The exact discrete laws, and how well a sample fits one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

Ints = NDArray[np.int64]
Fit = Callable[[Ints, str, float], tuple[float, float]]


def pmf(kind: str, scale: float) -> tuple[Ints, NDArray[np.float64]]:
    """Return a support that misses less than 1e-15 of the mass, and the mass."""
    reach = int(40 * scale) + 40
    steps = np.arange(-reach, reach + 1)
    if kind == "discrete_gaussian":
        mass = np.exp(-0.5 * (steps / scale) ** 2)
    else:
        mass = np.exp(-np.abs(steps) / scale)
    return steps, mass / mass.sum()


def chi_square(sample: Ints, kind: str, scale: float) -> float:
    """Return the p-value of a chi-square test on about 60 bins of equal expected mass."""
    steps, mass = pmf(kind, scale)
    cdf = np.cumsum(mass)
    cuts = np.unique(np.searchsorted(cdf, np.linspace(0, 1, 61)[1:-1]))
    expected = np.diff(np.concatenate(([0.0], cdf[cuts], [1.0]))) * sample.size
    bins = np.searchsorted(steps[cuts], sample, side="left")
    observed = np.bincount(bins, minlength=expected.size)
    keep = expected > 10
    expected = np.append(expected[keep], expected[~keep].sum())
    observed = np.append(observed[keep], observed[~keep].sum())
    some = expected > 0
    statistic = float(np.sum((observed[some] - expected[some]) ** 2 / expected[some]))
    return float(stats.chi2.sf(statistic, int(some.sum()) - 1))


def kolmogorov(sample: Ints, kind: str, scale: float) -> float:
    """Return the p-value of a Kolmogorov-Smirnov test; conservative, the law being discrete."""
    steps, mass = pmf(kind, scale)
    ours = np.searchsorted(np.sort(sample), steps, side="right") / sample.size
    return float(stats.kstwo.sf(np.max(np.abs(ours - np.cumsum(mass))), sample.size))


@pytest.fixture(scope="session")
def fit() -> Fit:
    """p-values (chi-square, Kolmogorov-Smirnov) of a sample under a law."""
    return lambda sample, kind, scale: (
        chi_square(sample, kind, scale),
        kolmogorov(sample, kind, scale),
    )
