"""A few dates of one table smoothed over kinds of day: what usual days share is seen more often.

Model: on the dates d of one kind of day a cell's truth scatters about g_d m_d, m_d its usual value
on the *other* dates, g_d the whole table's level on that date (so that a holiday or a lockdown that
empties the city moves every cell). How it scatters is learned by empirical Bayes
(``pipelines.models.scatter``). Leaving the date itself out of m_d keeps its noise out of what it is
compared with: no value is used twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.models.counts import Floats
from pipelines.models.scatter import Posterior, scatter, unpooled

Pooled = Callable[[Floats, float], Posterior]
"""What is known of values from noisy ones of the same cells, and the sd of their noise."""
Pool = Callable[[Floats, float], Pooled]
"""A model over cells, fitted to usual values and the sd of their noise."""

_FEWEST = 2
_SATURDAY = 5
_SLIGHT = 0.1


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
) -> Posterior:
    """Return what is known of every date, (dates, cells). Costs nothing; biased to usual days.

    Args:
        values: Noisy values, shape (dates, cells).
        sd: Standard deviation of the noise on each date, shape (dates,).
        kinds: Kind of each date.
        measured: False in structural zeros, shape (cells,).
        pool: How a kind's usual values are improved over cells; left as they are when None.
    """
    found = Posterior.empty(values.shape)
    for kind in dict.fromkeys(kinds):
        at = np.array([i for i, one in enumerate(kinds) if one == kind])
        part = _one_kind(values[at][:, measured], sd=sd[at], pool=pool)
        found.put(np.ix_(at, np.flatnonzero(measured)), part)
    return found


def _one_kind(values: Floats, *, sd: Floats, pool: Pool | None) -> Posterior:
    level = _levels(values, sd)
    usual, noise = _usual(values, sd=sd, level=level)
    pooled = None if pool is None else pool(usual, noise)
    if len(values) < _FEWEST:
        one = unpooled(values[0], sd=float(sd[0])) if pooled is None else pooled(usual, noise)
        return one.at(np.newaxis)
    about, error = np.empty(values.shape), np.empty(values.shape)
    for i in range(len(values)):
        others = np.arange(len(values)) != i
        usual, noise = _usual(values[others], sd=sd[others], level=level[others])
        centre, spread = usual, np.full(usual.shape, noise)
        if pooled is not None:
            known = pooled(usual, noise)
            centre, spread = known.mean, known.sd
        about[i], error[i] = level[i] * centre, (level[i] * spread) ** 2
    wide = np.broadcast_to((sd**2)[:, None], values.shape)
    fitted = scatter(values.ravel(), mean=about.ravel(), noise=wide.ravel(), error=error.ravel())
    found = Posterior.empty(values.shape)
    for i, one in enumerate(values):
        part = fitted.posterior(one, mean=about[i], noise=float(sd[i] ** 2), error=error[i])
        found.put(i, part)
    return found


def _usual(values: Floats, *, sd: Floats, level: Floats) -> tuple[Floats, float]:
    """Return usual values of some dates at level 1, and the sd of their noise."""
    whole = float(np.sum(level**2))
    noise = float(np.sqrt(np.sum((level * sd) ** 2))) / whole
    return np.sum(level[:, None] * values, axis=0) / whole, noise


def _levels(values: Floats, sd: Floats) -> Floats:
    """Return the table's level on each date relative to their mean; 1 where noise would rule it."""
    whole = values.sum(axis=1)
    middle = float(whole.mean())
    noise = float(np.max(sd)) * np.sqrt(values.shape[1])
    if noise > _SLIGHT * middle:
        return np.ones(len(values))
    return np.asarray(np.clip(whole / middle, _SLIGHT, None))
