"""What is asked of the ledger, against what it holds: charges, their price, their dates' spans."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from dp.errors import LedgerFault, PolicyMismatch
from dp.ledger.records import Charge
from dp.ledger.refusal import refuse_unfit
from dp.ledger.state import Book, Item, Span
from dp.ledger.window import Pair, Runs, add

Spans = Mapping[dt.date, Span]


def new_charges(book: Book, charges: Iterable[Charge]) -> list[Charge]:
    """Return the charges that are not booked yet; LedgerFault for one that is booked otherwise."""
    fresh: dict[str, Charge] = {}
    for charge in charges:
        item = book.items.get(charge.key)
        known = item.charge if item else fresh.setdefault(charge.key, charge)
        if (known.table, known.reads) != (charge.table, charge.reads):
            raise LedgerFault(f"{charge.table}: key {charge.key[:12]} is booked for other dates")
    return list(fresh.values())


def refuse_over_budget(book: Book, charges: Iterable[Charge | Item]) -> None:
    """Raise BudgetRefused where charges do not fit every window that they meet."""
    asked: dict[Runs, Pair] = {}
    for charge in charges:
        add(asked, charge.runs, charge.loss)
    policy = book.policy
    refuse_unfit(book.sums, asked, days=policy.unit.window_days, cap=policy.cap)


def new_spans(book: Book, charges: Sequence[Charge], spans: Spans) -> dict[str, list[int]]:
    """Return the spans that are not booked yet; PolicyMismatch for one that is booked otherwise."""
    dates = sorted({date for charge in charges for date in charge.reads})
    missing = [date for date in dates if date not in spans]
    if missing:
        raise LedgerFault(f"the span of time of {missing[0]} must be given: a charge reads it")
    given = {date.toordinal(): spans[date] for date in dates}
    known = given | book.spans
    for day, span in given.items():
        before, after = known.get(day - 1, (0, span[0])), known.get(day + 1, (span[1], 0))
        if known[day] != span or before[1] != span[0] or after[0] != span[1]:
            raise PolicyMismatch(
                f"{dt.date.fromordinal(day)} now stands for other instants than the ledger has "
                "booked: the time zone data changed, so two dates may share records. Record it "
                "with `murmuration ledger amend` (past charges then count for every date that they "
                "read), or use the time zone data from before"
            )
    return {d.isoformat(): list(spans[d]) for d in dates if d.toordinal() not in book.spans}
