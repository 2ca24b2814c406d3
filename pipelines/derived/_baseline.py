"""Which dates a baseline has, and what is wrong with it: all from public facts."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.derived import Facts, OfParams

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PANEL = "panel"
_LONGEST = 1100


class Span(BaseModel):
    """Consecutive dates."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    start: dt.date
    """The first date."""
    days: Annotated[int, Field(ge=1, le=_LONGEST)]
    """How many dates."""


class ChangeParams(OfParams):
    """Parameters of ``change_from_baseline``."""

    baseline: Span | None = None
    """Dates to compare with; all dates of the earlier releases when left out."""
    weekday_dates: Annotated[int, Field(ge=4, le=60)] = 4
    """Baseline dates that every weekday needs, holidays not counted."""
    holidays: tuple[dt.date, ...] = ()
    """Public holidays; they are left out of the baseline, not out of the comparison."""
    level: Literal["zone", "parent", "city"] = "zone"
    """Zones, their parents, or the whole."""
    key: str | None = None
    """The key that holds the zones; the table's first such key when left out."""
    per_active: bool = True
    """Compare rates per person of the panel, so that a growing panel is no growing mobility."""
    max_half_width: Annotated[float, Field(gt=0, le=1000)] = 10.0
    """A change whose interval reaches further than this many points is marked low_precision."""


def needed(params: ChangeParams) -> tuple[str, ...]:
    """Return the measured tables that every date must have."""
    return (params.of, PANEL) if params.per_active and params.of != PANEL else (params.of,)


def offered(facts: Facts, params: ChangeParams) -> dict[dt.date, MobilityDay]:
    """Return every date that this and earlier releases hold all needed tables for."""
    own = {day.date: day for day in facts.world.calendar.dates}
    before = [{d.date: d for d in facts.earlier.get(name, ())} for name in needed(params)]
    shared = set.intersection(*(set(one) for one in before))
    return {**{date: before[0][date] for date in sorted(shared)}, **own}


def baseline_days(facts: Facts, params: ChangeParams) -> tuple[MobilityDay, ...]:
    """Return the baseline's dates that there are, holidays left out, in order."""
    own = {day.date for day in facts.world.calendar.dates}
    span = params.baseline
    return tuple(
        day
        for date, day in sorted(offered(facts, params).items())
        if date not in params.holidays
        and (
            date not in own
            if span is None
            else span.start <= date < span.start + dt.timedelta(days=span.days)
        )
    )


def target_days(facts: Facts, params: ChangeParams) -> tuple[MobilityDay, ...]:
    """Return this release's dates that are not in the baseline."""
    span = params.baseline
    return tuple(
        day
        for day in facts.world.calendar.dates
        if span is None or not span.start <= day.date < span.start + dt.timedelta(days=span.days)
    )


def baseline_faults(facts: Facts, params: ChangeParams) -> list[str]:
    """Return what is wrong with a baseline, each with what would work."""
    targets, days = target_days(facts, params), baseline_days(facts, params)
    if not targets:
        return ["all dates are in the baseline. Write a baseline that ends before the last date."]
    epochs = {facts.epoch(day.date) for day in (*targets, *days)}
    if len(epochs) > 1:
        change = next(e for e in facts.epochs if e > min(d.date for d in (*days, *targets)))
        return [
            (
                f"a new epoch starts on {change}: values before it and from it on cannot be"
                " compared. Write a baseline, and dates, on one side of it."
            )
        ]
    barred = [f" {facts.barred[name]}" for name in needed(params) if name in facts.barred]
    have = Counter(day.date.weekday() for day in days)
    short = sorted(
        {d.date.weekday() for d in targets if have[d.date.weekday()] < params.weekday_dates}
    )
    if not short:
        return []
    first = short[0]
    return [
        (
            f"the baseline is too short: {WEEKDAYS[first]} has {have[first]} dates without"
            f" holidays, {params.weekday_dates} are needed. {_enough(facts, params, targets)}"
            + "".join(barred)
        )
    ]


def _enough(facts: Facts, params: ChangeParams, targets: tuple[MobilityDay, ...]) -> str:
    """Return the shortest baseline, ending where it ends now, that would work."""
    span = params.baseline
    last = targets[0].date if span is None else span.start + dt.timedelta(days=span.days)
    due = {day.date.weekday() for day in targets}
    have: Counter[int] = Counter()
    for n in range(1, _LONGEST + 1):
        date = last - dt.timedelta(days=n)
        if facts.epoch(date) != facts.epoch(targets[0].date):
            break
        have[date.weekday()] += date not in params.holidays
        if all(have[weekday] >= params.weekday_dates for weekday in due):
            return (
                f"Write baseline = {{ start = {date}, days = {n} }} and name the releases that"
                " hold those dates under [history] folders."
            )
    return "This epoch is too young for a baseline."
