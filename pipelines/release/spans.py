"""Tables that read all dates of a release at once: what they may spend, and when they may not be.

A window of the policy can hold only some of the dates that such a table reads. The person then
moves instead of vanishing, so its bounds are those of replacement (``dp/bounds.md``), and its
charge names every date that it reads: the ledger counts it in each window that meets one of them.
"""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import TYPE_CHECKING

from dp.ledger import rotation_dates
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from dp.bounds import Bounds
    from dp.ledger import Policy
    from pipelines.schemas.calendar import Calendar, MobilityDay
    from pipelines.schemas.measured import Measured
    from pipelines.spec import ReleaseSpec


def measured_on(measured: Measured, calendar: Calendar) -> tuple[MobilityDay, ...]:
    """Return the dates under which a table's measurements are published."""
    return calendar.dates[-1:] if measured.spans else calendar.dates


def read_for(measured: Measured, day: MobilityDay, calendar: Calendar) -> tuple[dt.date, ...]:
    """Return the dates that the measurement of a table under a date reads, in order."""
    return tuple(one.date for one in calendar.dates) if measured.spans else (day.date,)


def person_bounds(bounds: Bounds, *, measured: Measured, dates: int, policy: Policy) -> Bounds:
    """Return the bounds of one person from those of one identifier, added or removed.

    Args:
        bounds: What one identifier adds, at most.
        measured: The table.
        dates: How many dates the measurement reads.
        policy: Identifiers and window; no window, or one date, is never met in part.
    """
    person = bounds.times(policy.unit.multiplicity)
    if measured.spans and dates > 1 and policy.unit.window_days is not None:
        return person.replaced()
    return person


def meets(window: int, dates: int) -> int:
    """Return how many spans of so many dates, back to back, a window can meet at most.

    >>> meets(30, 30), meets(30, 14), meets(7, 30), meets(1, 14)
    (2, 4, 2, 1)
    """
    return 1 if window == 1 else (window - 2) // dates + 2


def span_rho(rho: Fraction, *, dates: int, window: int | None) -> Fraction:
    """Return what a measurement of a whole span may cost, from its part of the rho of one date.

    Releases of as many dates, back to back, then keep every window within ``window`` times the rho
    of a date: a window meets ``meets`` of them. Without a window it is the sum over its dates.

    >>> span_rho(Fraction(1, 60), dates=30, window=30)
    Fraction(1, 4)
    """
    return rho * dates if window is None else rho * window / meets(window, dates)


def span_faults(spec: ReleaseSpec, *, calendar: Calendar, policy: Policy) -> list[str]:
    """Return why tables over all dates cannot be made of these dates, a line each.

    A person with two identifiers within the dates would count as two, beyond any bound:
    ``id_rotation`` must be "never", or name dates (ISO 8601) on which new identifiers begin, none
    of which is one of the release's dates but the first. Nor may a declared epoch begin within.
    """
    names = [params.table for params in spec.tables if TABLES[params.table].spans]
    first, last = calendar.dates[0].date, calendar.dates[-1].date
    why = _rotated(policy.id_rotation, first, last)
    epochs = [date for date in spec.history.epochs if first < date <= last]
    found = [
        f"{spec.path}, tables ({name}): it reads all dates of the release and follows one"
        f" identifier through them, but {why}. Release it for dates between two rotations under a"
        " policy that names them, or remove the table: overnight tables need no look-back."
        for name in names
        if why
    ]
    found += [
        f"{spec.path}, tables ({name}): it reads all dates of the release, but a new epoch starts"
        f" on {epochs[0]}. Write dates on one side of it, or remove the table."
        for name in names
        if epochs
    ]
    return found


def _rotated(said: str, first: dt.date, last: dt.date) -> str:
    """Return how identifiers may change between two dates, in words; "" where they do not."""
    cuts = rotation_dates(said)
    if cuts is None:
        why = "which names no dates on which they begin, or says more than dates"
        return f'the policy says id_rotation = "{said}", {why}'
    inside = [date for date in cuts if first < date <= last]
    return f"new identifiers begin on {inside[0]}, within {first} to {last}" if inside else ""
