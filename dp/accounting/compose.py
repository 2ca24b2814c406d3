"""Composition of spends: in total, and for the worst window of dates (``compose.md``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction

from dp.accounting.events import Spend
from dp.loss import NO_LOSS, Loss, Rho


def compose(spends: Iterable[Spend]) -> Loss:
    """Return the loss of all spends together: rho and delta each add up.

    Adaptive composition of zCDP (Bun and Steinke 2016, Lemma 2.3) and of approximate zCDP (their
    Lemma 8.2): later measurements may depend on what earlier ones published.
    """
    total = NO_LOSS
    for spend in spends:
        total += spend.loss
    return total


def worst_window(spends: Iterable[Spend], days: int | None) -> Loss:
    """Return the largest loss over all windows of ``days`` consecutive dates.

    A window is charged every spend that read at least one of its dates. rho and delta are maximised
    separately: no window loses more than the result in either.

    Args:
        spends: What was charged.
        days: Length of a window in dates; None for the whole series at once.

    Raises:
        ValueError: ``days`` is below 1.
    """
    if days is None:
        return compose(spends)
    if days < 1:
        raise ValueError(f"a window has 1 date or more, got {days}")
    changes: dict[int, tuple[Fraction, Fraction]] = defaultdict(lambda: (Fraction(0), Fraction(0)))
    for spend in spends:
        rho, delta = spend.loss.rho.value, spend.loss.delta
        for first, end in _starts(spend, days):
            changes[first] = (changes[first][0] + rho, changes[first][1] + delta)
            changes[end] = (changes[end][0] - rho, changes[end][1] - delta)
    worst_rho = worst_delta = rho = delta = Fraction(0)
    for at in sorted(changes):
        rho, delta = rho + changes[at][0], delta + changes[at][1]
        worst_rho, worst_delta = max(worst_rho, rho), max(worst_delta, delta)
    return Loss(Rho(worst_rho), worst_delta)


def _starts(spend: Spend, days: int) -> Iterator[tuple[int, int]]:
    """Yield disjoint half-open spans of first dates whose windows meet the spend's dates."""
    first = end = None
    for read in spend.reads:
        number = read.toordinal()
        if end is not None and first is not None and number - days + 1 > end:
            yield first, end
            first = None
        if first is None:
            first = number - days + 1
        end = number + 1
    if first is not None and end is not None:
        yield first, end
