"""Sums of charges over every window of dates, exact and quick. The proof is in window.md.

A window of W dates starting on date s meets a run of dates [a, b] exactly when s lies in
[a - W + 1, b]. So a charge adds its loss to at most one interval of window starts per run, and
the sums over all windows are one prefix sum over the intervals' ends.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from dp.loss import Loss, Rho

Runs = tuple[tuple[int, int], ...]
Pair = tuple[Fraction, Fraction]
Sums = Mapping[Runs, Pair]
NOTHING: Pair = (Fraction(0), Fraction(0))


@dataclass(frozen=True, slots=True)
class Worst:
    """The largest sums that any window meets, and the dates of a window that meets that rho."""

    rho: Fraction
    delta: Fraction
    dates: tuple[dt.date, dt.date] | None

    @property
    def loss(self) -> Loss:
        """Both sums as a loss; ValueError where delta came to 1, which promises nothing."""
        return Loss(Rho(self.rho), self.delta)


def runs_of(dates: Iterable[dt.date]) -> Runs:
    """Return ascending dates as runs (first, last) of consecutive ordinals."""
    runs: list[tuple[int, int]] = []
    for day in (date.toordinal() for date in dates):
        if runs and day == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return tuple(runs)


def dates_of(runs: Iterable[tuple[int, int]]) -> tuple[dt.date, ...]:
    """Return every date of the runs."""
    return tuple(dt.date.fromordinal(day) for a, b in runs for day in range(a, b + 1))


def add(sums: dict[Runs, Pair], runs: Runs, loss: Loss, *, times: int = 1) -> None:
    """Add a loss read over ``runs``; ``times`` -1 takes it back."""
    pair = (loss.rho.value, loss.delta)
    if times != 1:
        pair = (pair[0] * times, pair[1] * times)
    sums[runs] = _plus(sums[runs], pair) if runs in sums else pair


def steps(days: int | None, *books: Sums) -> Iterator[tuple[int, int, tuple[Pair, ...]]]:
    """Yield (first, last, sums): windows that start in [first, last] meet these sums of each book.

    Every window that meets a charge is in one step. Without a window length there is one step,
    whose windows are the whole series: it starts on the first date read.
    """
    if days is None:
        yield from _whole(*books)
        return
    changes: dict[int, list[Pair]] = {}
    for at, book in enumerate(books):
        for runs, pair in book.items():
            for first, last in _starts(runs, days):
                _change(changes, first, at, len(books), pair)
                _change(changes, last + 1, at, len(books), (-pair[0], -pair[1]))
    held = [NOTHING] * len(books)
    days_at = sorted(changes)
    for at, until in pairwise(days_at):
        held = [_plus(a, b) for a, b in zip(held, changes[at], strict=True)]
        yield at, until - 1, tuple(held)


def worst(sums: Sums, days: int | None) -> Worst:
    """Return the largest rho and the largest delta that any window of ``days`` dates meets."""
    rho, delta, dates = Fraction(0), Fraction(0), None
    for first, _, ((step_rho, step_delta),) in steps(days, sums):
        delta = max(delta, step_delta)
        if step_rho > rho:
            rho, dates = step_rho, window_dates(first, days, sums)
    return Worst(rho, delta, dates)


def window_dates(first: int, days: int | None, *books: Sums) -> tuple[dt.date, dt.date]:
    """Return the first and last date of the window that starts on ordinal ``first``."""
    last = max(r[-1][1] for b in books for r in b) if days is None else first + days - 1
    return dt.date.fromordinal(first), dt.date.fromordinal(last)


def _starts(runs: Runs, days: int) -> Iterator[tuple[int, int]]:
    """Yield disjoint intervals of starts of the windows that meet any of the runs."""
    first, last = runs[0][0] - days + 1, runs[0][1]
    for a, b in runs[1:]:
        if a - days + 1 > last + 1:
            yield first, last
            first = a - days + 1
        last = b
    yield first, last


def _whole(*books: Sums) -> Iterator[tuple[int, int, tuple[Pair, ...]]]:
    starts = [runs[0][0] for book in books for runs in book]
    if starts:
        totals = tuple(
            (
                sum((p[0] for p in book.values()), NOTHING[0]),
                sum((p[1] for p in book.values()), NOTHING[1]),
            )
            for book in books
        )
        yield min(starts), min(starts), totals


def _change(changes: dict[int, list[Pair]], day: int, at: int, books: int, pair: Pair) -> None:
    row = changes.setdefault(day, [NOTHING] * books)
    row[at] = _plus(row[at], pair)


def _plus(a: Pair, b: Pair) -> Pair:
    return a[0] + b[0], a[1] + b[1]
