"""Amendments: what may change in a policy, and what past charges mean after it.

A policy only tightens, and may gain dates on which identifiers change, each later than every date
that was charged. Two amendments also change what past charges count for:

- More identifiers per person: what costs rho for a person who holds k identifiers costs
  (k'/k)^2 rho for one who holds k': sensitivity grows by k'/k, and both the Gaussian's rho and the
  Laplace's eps^2/2 by its square. Delta has no such rule, so the amendment is refused where
  charges carry any.
- A date whose span of time moved (new time zone data): records near its ends now belong to the
  neighbouring date, yet the old measurement read them. It counts as having read that date too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from fractions import Fraction

from dp.errors import PolicyError
from dp.ledger.policy import Policy
from dp.ledger.state import Book, Span
from dp.ledger.window import dates_of, runs_of
from dp.loss import Loss

_DAY_S = 82_800  # the shortest date has 23 hours


def refuse_loosening(book: Book, new: Policy, spans: Mapping[int, Span]) -> None:
    """Raise PolicyError for an amendment that would promise less than the ledger did."""
    old = book.policy
    faults = [text for fits, text in _rules(old, new) if not fits]
    faults += _rotation_faults(book, new, spans)
    more_ids = old.unit.multiplicity != new.unit.multiplicity
    if more_ids and any(item.loss.delta for item in book.items.values()):
        faults.append("ids_per_person_per_date cannot change once charges with delta are booked")
    if more_ids and any(item.sha256 is None for item in book.items.values()):
        faults.append("ids_per_person_per_date cannot change while charges are booked and undrawn")
    for day, (start_s, end_s) in spans.items():
        name = dt.date.fromordinal(day).isoformat()
        if day not in book.spans:
            faults.append(f"the span of {name} is not booked, so there is nothing to amend")
        elif max(abs(start_s - book.spans[day][0]), abs(end_s - book.spans[day][1])) >= _DAY_S:
            faults.append(f"the span of {name} would move by a day or more")
    if faults:
        raise PolicyError(
            f"an amendment may only tighten the policy: {'; '.join(faults)}. For another promise "
            "create another ledger; what both lose adds up"
        )


def _rotation_faults(book: Book, new: Policy, spans: Mapping[int, Span]) -> list[str]:
    """Return why identifiers cannot be said to change as ``new`` says.

    What was charged over several dates followed one identifier through them. So a new date must lie
    behind all of them, and words, which say nothing of when, must not meet any such charge.
    """
    old, was, now = book.policy, book.policy.rotations, new.rotations
    if new.id_rotation == old.id_rotation:
        return []
    if was is None or (was and now is None):
        may = "words stay as they are, and dates can only gain later ones"
        return [f"id_rotation was declared {old.id_rotation!r}: {may}"]
    if now is None:
        charges = [item.charge for item in book.items.values()]
        followed = sorted({one.table for one in charges if len(one.reads) > 1})
        return [
            f"id_rotation {new.id_rotation!r} does not say on which dates, and {table} followed "
            "identifiers through several. Name the dates"
            for table in followed
        ]
    last = _last_read(book, spans)
    faults = [f"id_rotation no longer names {date}" for date in was if date not in now]
    return faults + [
        f"id_rotation {date} is not after {last}, the last date that was charged: what was released"
        " says that nothing changed there. Only later dates can be added"
        for date in now
        if date not in was and date <= last
    ]


def _last_read(book: Book, spans: Mapping[int, Span]) -> dt.date:
    """Return the last date whose records a charge has read, once spans have moved as given."""
    days = [last for item in book.items.values() for _, last in item.runs]
    days += [day for more in _also_read(book, spans).values() for day in more]
    return dt.date.fromordinal(max(days)) if days else dt.date.min


def reread(book: Book, spans: Mapping[int, Span]) -> None:
    """Book moved spans, and let past charges count for every date whose records they read."""
    also = _also_read(book, spans)
    for item in book.items.values():
        days = {date.toordinal() for date in dates_of(item.runs)}
        more = {other for day in days & also.keys() for other in also[day]}
        if more - days:
            item.runs = runs_of(dt.date.fromordinal(day) for day in sorted(days | more))
    book.spans.update(spans)


def _also_read(book: Book, spans: Mapping[int, Span]) -> dict[int, set[int]]:
    """Return, for booked dates that move, the neighbours whose records were read as theirs."""
    also: dict[int, set[int]] = {}
    for day in spans.keys() & book.spans.keys():
        (start_s, end_s), (old_start_s, old_end_s) = spans[day], book.spans[day]
        before = {day - 1} if start_s > old_start_s else set()
        after = {day + 1} if end_s < old_end_s else set()
        also[day] = before | after
    return also


def rescale(book: Book, new: Policy) -> None:
    """Let past charges cost what they cost a person with the newly attested identifiers."""
    ratio = Fraction(new.unit.multiplicity, book.policy.unit.multiplicity) ** 2
    if ratio != 1:
        for item in book.items.values():
            item.loss = Loss(item.loss.rho * ratio, item.loss.delta)


def _rules(old: Policy, new: Policy) -> list[tuple[bool, str]]:
    days, ids = (old.unit.window_days, new.unit.window_days), (_ids(old), _ids(new))
    return [
        (new.cap.rho <= old.cap.rho, f"cap_rho {new.cap.rho.value} is above {old.cap.rho.value}"),
        (new.cap.delta <= old.cap.delta, f"cap_delta {new.cap.delta} is above {old.cap.delta}"),
        (
            days[1] is None or (days[0] is not None and days[1] >= days[0]),
            f"window_days {days[1]} is shorter than {days[0] or 'the whole series'}",
        ),
        (
            ids[0] is None or (ids[1] is not None and ids[1] >= ids[0]),
            f"ids_per_person_per_date {ids[1]} is less than the attested {ids[0]}",
        ),
        (
            new.population >= old.population,
            f"population {new.population} is below {old.population}",
        ),
        (new.time_zone == old.time_zone, f"time_zone is {old.time_zone} for the whole series"),
        (new.day_starts == old.day_starts, f"day_starts is {old.day_starts} for the whole series"),
    ]


def _ids(policy: Policy) -> int | None:
    return policy.unit.ids_per_person_per_date
