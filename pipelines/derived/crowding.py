"""Crowding: how many other people are in the same zone as a person taken at random."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dp.postprocess.squares import mean_crowding
from dp.postprocess.sums import fourth_cumulant
from pipelines.derived._places import BIN, LEVELS, coarser, column_of, keys_of
from pipelines.derived._stack import joined
from pipelines.schemas.derived import (
    Derived,
    DerivedParams,
    Facts,
    KeyColumn,
    Published,
    Rows,
)

_OF = "presence"


def _check(facts: Facts, _params: DerivedParams) -> list[str]:
    if keys_of(facts, _OF).names == (BIN, "zone"):
        return []
    return [f"{_OF} must have the keys bin and zone alone. Remove its strata."]


def _columns(facts: Facts, _params: DerivedParams) -> tuple[KeyColumn, ...]:
    levels = coarser(facts.world)
    meaning = "; ".join(f"{level.name}: {LEVELS[level.name]}" for level in levels)
    return (
        column_of(facts, _OF, BIN),
        KeyColumn(name="level", meaning=meaning, labels=tuple(v.name for v in levels)),
        KeyColumn(
            name="place",
            meaning="whose people are averaged over",
            labels=tuple(dict.fromkeys(label for v in levels for label in v.labels)),
        ),
    )


def _compute(published: Published, params: DerivedParams) -> Iterator[Rows]:
    levels = coarser(published.world)
    labels = {label: i for i, label in enumerate(_columns(published.facts, params)[2].labels)}
    names = [(i, labels[name]) for i, level in enumerate(levels) for name in level.labels]
    for day in published.world.calendar.dates:
        noisy = published.noisy(_OF, day)
        bins = len(noisy.keys.keys[0])
        counts = noisy.values.reshape(bins, len(published.world.zones))
        variance, found = noisy.law.sd**2, []
        for level in levels:
            for place in range(len(level.labels)):
                own = counts[:, level.place == place]
                found.append(mean_crowding(own, variance, fourth_cumulant(noisy.law)))
        yield Rows(
            day=day,
            codes={
                BIN: np.repeat(np.array(noisy.keys.keys[0].values, dtype=np.int64), len(names)),
                "level": np.tile(np.array([i for i, _ in names], dtype=np.int64), bins),
                "place": np.tile(np.array([i for _, i in names], dtype=np.int64), bins),
            },
            estimate=joined(found, by_cell=True),
        )


TABLE = Derived(
    name="crowding",
    summary="Mean number of other panel members in the same zone as a panel member taken at random"
    " at the middle of a time bin: sum n (n - 1) / sum n over the zones of a place.",
    counts=lambda _facts, _params: "other persons",
    needs=frozenset({_OF}),
    params=DerivedParams,
    columns=_columns,
    compute=_compute,
    check=_check,
    automatic=True,
    bias="Numerator and denominator are unbiased (the noise's variance is taken off the squares);"
    " their ratio is biased by about sd^2 of the sum / sum^2, relative to itself. It counts panel"
    " members, not all people: multiply by population / panel.",
    interval="Fieller with the exact variance of squares less ratio x sum at each ratio; -inf to"
    " inf where the sum cannot be told from 0. Noise only.",
    source="Mean crowding: Lloyd 1967 (J. Anim. Ecol. 36:1).",
)
