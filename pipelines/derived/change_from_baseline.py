"""Change from baseline: each date against the mean of the same weekdays before, in percent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from dp.keys import KeySet
from dp.postprocess import Estimate, Moments, fieller
from pipelines.derived._baseline import (
    PANEL,
    ChangeParams,
    baseline_days,
    baseline_faults,
    needed,
    target_days,
)
from pipelines.derived._places import Level, column_of, keys_of, level_of, lifted, zone_keys
from pipelines.derived._residents import panel_size
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.derived import Derived, Facts, KeyColumn, Published, Rows

_WEAK = 5.0
"""A panel of fewer than this many sd of its own noise is no denominator."""


def _check(facts: Facts, params: ChangeParams) -> list[str]:
    missing = [name for name in needed(params) if name not in facts.tables]
    if missing:
        return [
            (
                f"rates per active person need the table {missing[0]}. Add [[tables]] table ="
                ' "panel", or write per_active = false.'
            )
        ]
    if params.of in facts.spans:
        return [
            (
                f'of = "{params.of}" reads all dates at once: there is no date to compare. Write a'
                " table of single dates."
            )
        ]
    places = zone_keys(keys_of(facts, params.of), facts.world)
    if params.key is not None and params.key not in places:
        return [f'key = "{params.key}" holds no zones. Write one of {", ".join(places)}.']
    if not places:
        return [f'of = "{params.of}" has no zones. Write a table with zones.']
    if level_of(facts.world, params.level) is None:
        return [
            (
                'level = "parent" needs zones with parents. Write parent under [zones], or level ='
                ' "city".'
            )
        ]
    return baseline_faults(facts, params)


def _key(facts: Facts, params: ChangeParams) -> str:
    return params.key or zone_keys(keys_of(facts, params.of), facts.world)[0]


def _level(facts: Facts, params: ChangeParams) -> Level:
    level = level_of(facts.world, params.level)
    assert level is not None, "check refuses a level that is not there"
    return level


def _columns(facts: Facts, params: ChangeParams) -> tuple[KeyColumn, ...]:
    name = _key(facts, params)
    key = next(one for one in keys_of(facts, params.of).keys if one.name == name)
    labels, _ = lifted(key, _level(facts, params))
    return (column_of(facts, params.of, name, labels),)


def _compute(published: Published, params: ChangeParams) -> Iterator[Rows]:
    (column,) = _columns(published.facts, params)
    size, before = len(column.labels), baseline_days(published.facts, params)
    means: dict[int, tuple[Moments, bool]] = {}
    for day in target_days(published.facts, params):
        weekday = day.date.weekday()
        if weekday not in means:
            same = [one for one in before if one.date.weekday() == weekday]
            means[weekday] = _mean(published, same, params)
        base, sound = means[weekday]
        rate, strong = _rate(published, day, params)
        change = fieller(rate, base).times(100.0, -100.0)
        if not (sound and strong):
            change = _unbounded(size)
        width = change.hi - change.lo
        yield Rows(
            day=day,
            codes={column.name: np.arange(size, dtype=np.int64)},
            estimate=change,
            precise=width <= 2.0 * params.max_half_width,
            also=tuple(one for one in before if one.date.weekday() == weekday),
        )


def _mean(
    published: Published, days: Sequence[MobilityDay], params: ChangeParams
) -> tuple[Moments, bool]:
    """Return the mean rate of some dates, and whether every panel is large enough."""
    rates = [_rate(published, day, params) for day in days]
    value = np.mean([rate.value for rate, _ in rates], axis=0)
    variance = np.sum([rate.variance for rate, _ in rates], axis=0) / len(rates) ** 2
    return Moments(value, variance), all(strong for _, strong in rates)


def _rate(published: Published, day: MobilityDay, params: ChangeParams) -> tuple[Moments, bool]:
    """Return a date's figures by place, per person of the panel where asked."""
    best = published.best(params.of, day)
    level = _level(published.facts, params)
    groups, size = _groups(best.keys, _key(published.facts, params), level)
    sums = best.sums(groups, size)
    if not params.per_active:
        return Moments(sums.value, sums.variance), True
    people = panel_size(published.best(PANEL, day))
    n, v = float(people.value[0]), float(people.variance[0])
    if n <= _WEAK * np.sqrt(v):
        return Moments(sums.value, sums.variance), False
    rate = sums.value / n
    return Moments(rate, (sums.variance + rate**2 * v) / n**2), True


def _groups(keys: KeySet, name: str, level: Level) -> tuple[NDArray[np.int64], int]:
    labels, moved = lifted(keys.keys[keys.position(name)], level)
    return moved[keys.codes(name)], len(labels)


def _unbounded(size: int) -> Estimate:
    endless = np.full(size, np.inf)
    return Estimate(np.full(size, np.nan), endless, -endless, endless)


TABLE = Derived(
    name="change_from_baseline",
    summary="Change of each place against the mean of the same weekdays of a baseline, in percent"
    " of that mean; by default of rates per person of the panel.",
    counts=lambda _facts, _params: "percent",
    needs=frozenset(),
    params=ChangeParams,
    columns=_columns,
    compute=_compute,
    check=_check,
    layer="consistent",
    bias="A ratio of nearly unbiased figures: biased by about sd^2 of the baseline / baseline^2,"
    " relative to itself. Without per_active it is also a change of the panel.",
    interval="Fieller; the panel's noise enters each rate to first order. -inf to inf where the"
    " baseline cannot be told from 0, or a panel is below 5 sd of its noise. Noise only: not how"
    " weekdays differ among themselves.",
    source="Fieller 1954 (J. R. Stat. Soc. B 16:175); same-weekday baselines as in Aktay et al."
    " 2020 (arXiv 2004.04145).",
)
