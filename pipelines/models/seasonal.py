"""A few dates of one table smoothed over kinds of day: what usual days share is seen more often.

Model: theta_d = g_d m + delta_d on the dates d of one kind of day, m the cell's usual value, g_d
the whole table's level on that date (so that a holiday or a lockdown that empties the city moves
every cell), delta_d the cell's own departure, learned by empirical Bayes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.models.variance import Floats, departure

Pool = Callable[[Floats, float], tuple[Floats, Floats]]
"""Posterior mean and sd of usual values from noisy ones and the sd of their noise."""

_FEWEST = 2
_SATURDAY = 5
_SLIGHT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Smoothed:
    """Posterior of some dates, arrays of shape (dates, cells).

    Attributes:
        mean: Posterior means; may be negative.
        sd: Posterior standard deviations.
    """

    mean: Floats
    sd: Floats


def day_kinds(dates: Sequence[dt.date], *, holidays: frozenset[dt.date]) -> list[str]:
    """Return the kind of each date, so that kinds have as many dates as their use needs.

    Weekdays by name where every weekday occurs three times or more; otherwise working days and
    weekends. Declared holidays are a kind of their own.

    >>> day_kinds([dt.date(2026, 3, 6), dt.date(2026, 3, 7)], holidays=frozenset())
    ['working', 'weekend']
    """
    often = len(dates) >= 3 * 7
    kinds = []
    for date in dates:
        if date in holidays:
            kinds.append("holiday")
        elif often:
            kinds.append(f"weekday {date.isoweekday()}")
        else:
            kinds.append("weekend" if date.weekday() >= _SATURDAY else "working")
    return kinds


def smooth(
    values: Floats,
    *,
    sd: Floats,
    kinds: Sequence[str],
    measured: NDArray[np.bool_],
    pool: Pool | None = None,
) -> Smoothed:
    """Return the posterior of every date. Costs nothing; biased towards usual days.

    Args:
        values: Noisy values, shape (dates, cells).
        sd: Standard deviation of the noise on each date, shape (dates,).
        kinds: Kind of each date.
        measured: False in structural zeros, shape (cells,).
        pool: How a kind's usual values are improved over cells; left as they are when None.
    """
    mean, sds = np.zeros(values.shape), np.zeros(values.shape)
    for kind in dict.fromkeys(kinds):
        at = np.array([i for i, one in enumerate(kinds) if one == kind])
        part = values[at][:, measured]
        found = _one_kind(part, sd=sd[at], pool=pool)
        mean[np.ix_(at, np.flatnonzero(measured))] = found.mean
        sds[np.ix_(at, np.flatnonzero(measured))] = found.sd
    return Smoothed(mean=mean, sd=sds)


def _one_kind(values: Floats, *, sd: Floats, pool: Pool | None) -> Smoothed:
    level = _levels(values, sd)
    noise = float(np.sum((level * sd) ** 2)) / float(np.sum(level**2)) ** 2
    usual = np.sum(level[:, None] * values, axis=0) / np.sum(level**2)
    centre, error = usual, np.full(values.shape[1], np.sqrt(noise))
    if pool is not None:
        centre, error = pool(usual, float(np.sqrt(noise)))
    if len(values) < _FEWEST:
        return Smoothed(mean=level[:, None] * centre, sd=level[:, None] * error)
    return _departed(values, sd=sd, level=level, usual=usual, posterior=(centre, error))


def _levels(values: Floats, sd: Floats) -> Floats:
    """Return the table's level on each date relative to their mean; 1 where noise would rule it."""
    whole = values.sum(axis=1)
    middle = float(whole.mean())
    noise = float(np.max(sd)) * np.sqrt(values.shape[1])
    if noise > _SLIGHT * middle:
        return np.ones(len(values))
    return np.asarray(np.clip(whole / middle, _SLIGHT, None))


def _departed(
    values: Floats,
    *,
    sd: Floats,
    level: Floats,
    usual: Floats,
    posterior: tuple[Floats, Floats],
) -> Smoothed:
    """Return the posterior where several dates tell how far a date departs from the usual."""
    centre, error = posterior
    free = np.sqrt(len(values) / (len(values) - 1.0))
    noise = float(np.mean(sd**2))
    usuals = level[:, None] * usual
    fitted = departure(
        ((values - usuals) * free).ravel(), mean=np.clip(usuals, 0.0, None).ravel(), noise=noise
    )
    mean, sds = np.empty(values.shape), np.empty(values.shape)
    for i, one in enumerate(values):
        about = level[i] * centre
        at = np.clip(about, 0.0, None)
        moved, variance = fitted.posterior(one - about, mean=at, noise=float(sd[i] ** 2))
        kept = 1.0 - np.clip(variance / sd[i] ** 2, 0.0, 1.0)
        mean[i] = about + moved
        sds[i] = np.sqrt(variance + (kept * level[i] * error) ** 2)
    return Smoothed(mean=mean, sd=sds)
