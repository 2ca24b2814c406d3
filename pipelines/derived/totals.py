"""Totals: a measured table at coarser levels, by parents and for the whole city."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from dp.keys import KeySet
from dp.postprocess import Estimate
from pipelines.derived._places import (
    LEVELS,
    Level,
    coarser,
    column_of,
    keys_of,
    lifted,
    numbers_of,
    zone_keys,
)
from pipelines.derived._stack import joined
from pipelines.schemas.derived import Derived, Facts, KeyColumn, OfParams, Published, Rows
from pipelines.schemas.world import World
from pipelines.tables import TABLES


def _check(facts: Facts, params: OfParams) -> list[str]:
    if zone_keys(keys_of(facts, params.of), facts.world):
        return []
    return [f'of = "{params.of}" has no zones to add up. Write a table with zones.']


def _columns(facts: Facts, params: OfParams) -> tuple[KeyColumn, ...]:
    levels, keys = coarser(facts.world), keys_of(facts, params.of)
    places = zone_keys(keys, facts.world)
    meaning = "; ".join(f"{level.name}: {LEVELS[level.name]}" for level in levels)
    columns = [KeyColumn(name="level", meaning=meaning, labels=tuple(v.name for v in levels))]
    for key in keys.keys:
        labels = _labels(facts.world, key.values) if key.name in places else ()
        columns.append(column_of(facts, params.of, key.name, labels))
    return tuple(columns)


def _labels(world: World, values: tuple[str | int, ...]) -> tuple[str, ...]:
    levels = [label for level in coarser(world) for label in level.labels]
    beside = [str(value) for value in values[len(world.zones) :]]
    return tuple(dict.fromkeys((*levels, *beside)))


def _compute(published: Published, params: OfParams) -> Iterator[Rows]:
    levels = coarser(published.world)
    for day in published.facts.days_of(params.of):
        best = published.best(params.of, day)
        columns = {c.name: c for c in _columns(published.facts, params)}
        parts = []
        for i, level in enumerate(levels):
            groups, size, codes = _lift(best.keys, level, published.world, columns)
            sums = best.sums(groups, size)
            lo, hi = sums.interval()
            estimate = Estimate(sums.value, sums.sd, lo, hi)
            codes["level"] = np.full(size, i, dtype=np.int64)
            parts.append((codes, estimate, sums.variance == 0))
        yield Rows(
            day=day,
            codes={name: np.concatenate([p[0][name] for p in parts]) for name in columns},
            estimate=joined([p[1] for p in parts]),
            structural=np.concatenate([p[2] for p in parts]),
            also=published.facts.also_read(params.of),
        )


def _lift(
    keys: KeySet, level: Level, world: World, columns: dict[str, KeyColumn]
) -> tuple[NDArray[np.int64], int, dict[str, NDArray[np.int64]]]:
    """Return each cell's group at a level, the number of groups and the groups' row codes."""
    places = zone_keys(keys, world)
    sizes, codes, says = [], [], []
    for key in keys.keys:
        at = keys.codes(key.name)
        if key.name in places:
            labels, moved = lifted(key, level)
            published = {label: i for i, label in enumerate(columns[key.name].labels)}
            says.append(np.array([published[label] for label in labels], dtype=np.int64))
            codes.append(moved[at])
            sizes.append(len(labels))
        else:
            first = KeySet((key,))
            says.append(numbers_of(first, key.name))
            codes.append(at)
            sizes.append(len(key))
    pairs = list(zip(codes, sizes, strict=True))
    groups = reduce(lambda total, one: total * one[1] + one[0], pairs, np.zeros_like(codes[0]))
    where = np.unravel_index(np.arange(math.prod(sizes)), sizes)
    rows = {key.name: say[spot] for key, say, spot in zip(keys.keys, says, where, strict=True)}
    return groups, math.prod(sizes), rows


TABLE = Derived(
    name="totals",
    summary="Sums over all zones of a parent and over all zones; what stands beside the zones"
    " (unknown) stays a row of its own. Where parents and the city are measured themselves, these"
    " are their consistent estimates.",
    counts=lambda _facts, params: TABLES[params.of].counts,
    needs=frozenset(),
    params=OfParams,
    columns=_columns,
    compute=_compute,
    check=_check,
    layer="consistent",
    automatic=True,
    bias="None by noise: a sum of unbiased cells. Where one person may count in several zones"
    " (visits), the sum counts that person in each of them.",
    interval="Normal interval of the exact variance, with the fourth cumulant's correction for"
    " Laplace noise. A part and its whole are not independent: of a table with one level their"
    " covariance is the part's sd^2, and two parts without a common zone are independent; of a"
    " table with several, add rows of the table itself by aggregate.",
    source="Sums of independent noise add their cumulants; Hay et al. 2010 (VLDB) for several"
    " levels.",
)
