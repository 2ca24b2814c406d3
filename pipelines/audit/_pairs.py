"""Findings from pairs (in, out): intervals, verdicts and rows for plots."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dp.audits.finding import Measured, Verdict
from pipelines.audit._filter import ALARM_CONFIDENCE, CONFIDENCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dp.audits.scores import Pairs


def mean_of(values: NDArray[np.float64]) -> Measured:
    """Return the mean of independent values, two or more, with Student's interval."""
    error = float(np.std(values, ddof=1) / math.sqrt(values.size))
    half, value = _quantile(values.size, CONFIDENCE) * error, float(np.mean(values))
    return Measured(value=value, lo=value - half, hi=value + half, se=error)


def verdict_of_pairs(pairs: Pairs, rho: float, *, control: bool = False) -> Verdict:
    """Return whether the mean with the records passes its bound, given the mean without them.

    A promise is called broken only where one in a thousand sound audits would say so; a control
    is caught at the intervals' confidence.
    """
    excess, error = pairs.excess(rho)
    confidence = CONFIDENCE if control else ALARM_CONFIDENCE
    if excess > _quantile(pairs.given.size, confidence) * error:
        return "broken"
    return "holds" if excess <= error else "inconclusive"


def bar(name: str, series: str, one: Measured, *, title: str) -> dict[str, float | str]:
    """Return a row of a plot of points with intervals; a number without one is its own interval."""
    lo, hi = (end if math.isfinite(end) else one.value for end in (one.lo, one.hi))
    return {
        "bar": name,
        "series": series,
        "value": one.value,
        "lo": lo,
        "hi": hi,
        "title": title,
    }


def _quantile(size: int, confidence: float) -> float:
    from scipy.stats import t

    return float(t.ppf((1.0 + confidence) / 2.0, size - 1))
