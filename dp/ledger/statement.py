"""What is public of a ledger, as plain values: exact text, dates, no secrets."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import TYPE_CHECKING

from dp.ledger.state import Book, Item
from dp.ledger.window import dates_of, steps, worst

if TYPE_CHECKING:
    from dp.accounting import Spend

WINDOWS = (1, 7, 30, 365, None)


def spends_of(book: Book) -> tuple[Spend, ...]:
    """Return one spend for each attempt that was charged."""
    return tuple(_spend(item) for item in book.items.values() for _ in range(item.attempt))


def statement_of(book: Book) -> dict[str, object]:
    """Return policy, spends per date, worst windows, what remains, and releases."""
    return {
        "ledger": book.id,
        "head": {"seq": book.head.seq, "hash": book.head.hash},
        "policy": book.policy.as_dict(),
        "unit": str(book.policy.unit),
        "dates": _dates(book),
        "windows": [_window(book, days) for days in WINDOWS],
        "releases": [
            {"id": opened.id, "measurements": len(opened.keys), "manifest": opened.manifest}
            for opened in book.releases.values()
        ],
        "open_charges": sum(item.sha256 is None for item in book.items.values()),
        "notes": [{"kind": kind, "reason": reason} for kind, reason in book.notes],
    }


def _spend(item: Item) -> Spend:
    from dp.accounting import Spend

    detail = item.charge.detail
    return Spend(
        table=item.charge.table,
        reads=dates_of(item.runs),
        loss=item.loss,
        kind=detail.get("noise", "unknown"),
        steps=float(detail["scale"]) if "scale" in detail else None,
    )


def _window(book: Book, days: int | None) -> dict[str, object]:
    found = worst(book.sums, days)
    dates = [date.isoformat() for date in found.dates or ()]
    return {
        "days": days,
        "rho": str(found.rho),
        "delta": str(found.delta),
        "first": dates[0] if dates else None,
        "last": dates[1] if dates else None,
    }


def _dates(book: Book) -> list[dict[str, str]]:
    """Return, for each date read, what it is charged and what it alone may still be charged."""
    charged = _by_date(book, days=1)
    cap, days = book.policy.cap, book.policy.unit.window_days
    rows = []
    if days is None:
        total = worst(book.sums, None)
        held = dict.fromkeys(charged, (total.rho, total.delta))
    else:
        held = _worst_around(book, charged, days)
    for day, (rho, delta) in sorted(charged.items()):
        rows.append(
            {
                "date": dt.date.fromordinal(day).isoformat(),
                "rho": str(rho),
                "delta": str(delta),
                "remaining_rho": str(max(cap.rho.value - held[day][0], Fraction(0))),
                "remaining_delta": str(max(cap.delta - held[day][1], Fraction(0))),
            }
        )
    return rows


def _by_date(book: Book, *, days: int) -> dict[int, tuple[Fraction, Fraction]]:
    """Return what each window of ``days`` dates meets, by its first date, where that is not 0."""
    return {
        start: pair
        for first, last, (pair,) in steps(days, book.sums)
        for start in range(first, last + 1)
        if any(pair)
    }


def _worst_around(
    book: Book, charged: dict[int, tuple[Fraction, Fraction]], days: int
) -> dict[int, tuple[Fraction, Fraction]]:
    windows = _by_date(book, days=days)
    found = {}
    for day in charged:
        around = [windows[s] for s in range(day - days + 1, day + 1) if s in windows]
        found[day] = (max(rho for rho, _ in around), max(delta for _, delta in around))
    return found
