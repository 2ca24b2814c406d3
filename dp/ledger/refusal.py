"""Whether charges fit every window, and what to say when they do not."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction

from dp.errors import BudgetRefused
from dp.ledger.window import Pair, Sums, steps, window_dates
from dp.loss import Loss

_SHORT_TEXT = 14
_DIGITS = 6
_TINY = Fraction(1, 10**18)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """The window that is shortest of budget.

    Attributes:
        first: Its first date.
        last: Its last date.
        held: (rho, delta) that it meets already.
        asked: (rho, delta) that was asked of it.
        cap: What it may meet.
        factor: The largest multiple of everything asked that fits in every window; 0 when nothing.
        windows: How many windows are short.
    """

    first: dt.date
    last: dt.date
    held: Pair
    asked: Pair
    cap: Pair
    factor: Fraction
    windows: int

    def __str__(self) -> str:
        parts = [
            f"{name} {show(asked)} was asked, {show(held)} is charged, the cap is {show(cap)}: "
            f"short by {show(held + asked - cap, up=True)}"
            for name, held, asked, cap in zip(
                ("rho", "delta"), self.held, self.asked, self.cap, strict=True
            )
            if asked and held + asked > cap
        ]
        others = f" ({self.windows - 1} other windows are short too)" if self.windows > 1 else ""
        return (
            f"the budget of the window {self.first} to {self.last} is short: "
            f"{'; '.join(parts)}{others}. {self._advice()} Nothing was charged."
        )

    def _advice(self) -> str:
        if self.factor <= 0:
            return "Nothing more fits there: release other dates, or what was released before."
        fits = [
            f"{name} {show(asked * self.factor)}"
            for name, asked in zip(("rho", "delta"), self.asked, strict=True)
            if asked
        ]
        return (
            f"What fits: {' and '.join(fits)} in that window, {show(self.factor)} of what was "
            "asked on every date. Lower the rho of these dates, or release fewer dates or tables."
        )


def refuse_unfit(held: Sums, asked: Sums, *, days: int | None, cap: Loss) -> None:
    """Raise BudgetRefused where some window that meets a new charge would pass the cap."""
    short = shortfall(held, asked, days=days, cap=cap)
    if short is not None:
        raise BudgetRefused(str(short))


def shortfall(held: Sums, asked: Sums, *, days: int | None, cap: Loss) -> Shortfall | None:
    """Return the window that is shortest, or None when everything fits.

    Args:
        held: What is charged.
        asked: What is asked for.
        days: Length of a window in dates; None for the whole series.
        cap: What a window may meet, in rho and in delta.
    """
    limit = (cap.rho.value, cap.delta)
    factor, windows = Fraction(1), 0
    worst: tuple[Fraction, int, Pair, Pair] | None = None
    for first, last, (have, want) in steps(days, held, asked):
        over = _overrun(have, want, limit)
        if over <= 0:
            continue
        windows += last - first + 1
        factor = min(factor, _fitting(have, want, limit))
        if worst is None or over > worst[0]:
            worst = (over, first, have, want)
    if worst is None:
        return None
    first_date, last_date = window_dates(worst[1], days, held, asked)
    return Shortfall(
        first=first_date,
        last=last_date,
        held=worst[2],
        asked=worst[3],
        cap=limit,
        factor=factor,
        windows=windows,
    )


def show(value: Fraction, *, up: bool = False) -> str:
    """Return a number to read: exact where that is short, else 6 digits rounded down (or up)."""
    text = str(value)
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    context = Context(prec=_DIGITS, rounding=rounding)
    decimal = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    if "/" not in text:
        return text
    return f"{text} ({decimal})" if len(text) <= _SHORT_TEXT else f"{decimal}"


def _fitting(have: Pair, want: Pair, limit: Pair) -> Fraction:
    room = (max(c - h, Fraction(0)) / w for h, w, c in zip(have, want, limit, strict=True) if w)
    return min(room)


def _overrun(have: Pair, want: Pair, limit: Pair) -> Fraction:
    """How far what grows would pass its cap, in caps; a delta without any cap counts as most."""
    return max(
        ((h + w - c) / (c or _TINY) for h, w, c in zip(have, want, limit, strict=True) if w),
        default=Fraction(0),
    )
