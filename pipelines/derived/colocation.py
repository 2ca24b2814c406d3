"""Colocation and mixing: how much the residents of two places share zones at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from dp.postprocess import Moments, fieller, product
from dp.postprocess.squares import pairs_between, pairs_within
from dp.postprocess.sums import fourth_cumulant
from dp.tables import Noisy
from pipelines.derived._places import BIN, Level, keys_of, level_of
from pipelines.derived._residents import residents
from pipelines.derived._stack import joined
from pipelines.schemas.derived import Derived, DerivedParams, Facts, KeyColumn, Published, Rows

_OF, _PANEL = "presence_by_overnight", "panel"
_MEASURES = ("colocation", "mixing")
MAX_GROUPS = 300
"""Groups of residents: the table has one row for each pair of them, twice."""


class ColocationParams(DerivedParams):
    """Parameters of ``colocation``."""

    residents: Literal["zone", "parent"] = "zone"
    """Whose residents are one group: those of an overnight zone, or of all zones of a parent."""

    @property
    def output(self) -> str:
        """Name of its files."""
        return self.table if self.residents == "zone" else f"{self.table}_of_parents"


def _check(facts: Facts, params: ColocationParams) -> list[str]:
    level = level_of(facts.world, params.residents)
    if level is None:
        return [
            (
                'residents = "parent" needs zones with parents. Write parent under [zones], or'
                ' residents = "zone".'
            )
        ]
    if len(level.labels) > MAX_GROUPS:
        return [
            (
                f"{len(level.labels)} groups of residents give {len(level.labels) ** 2:,} pairs."
                ' Write residents = "parent", or larger zones.'
            )
        ]
    due = {"overnight", "zone", BIN}
    if set(keys_of(facts, _OF).names) == due:
        return []
    return [f"{_OF} must have the keys {', '.join(sorted(due))} alone. Remove its strata."]


def _columns(facts: Facts, params: ColocationParams) -> tuple[KeyColumn, ...]:
    level = level_of(facts.world, params.residents)
    labels = () if level is None else level.labels
    return (
        KeyColumn(name="residents", meaning="overnight place of the first person", labels=labels),
        KeyColumn(name="others", meaning="overnight place of the second person", labels=labels),
        KeyColumn(
            name="measure",
            meaning="colocation: the chance that a random person of each group are in one zone at"
            " a random time bin; mixing: the mean number of panel members of others in the same"
            " zone as a random person of residents",
            labels=_MEASURES,
        ),
    )


def _compute(published: Published, params: ColocationParams) -> Iterator[Rows]:
    level = level_of(published.world, params.residents)
    assert level is not None, "check refuses a world without parents"
    groups = len(level.labels)
    spots = np.arange(groups * groups, dtype=np.int64)
    for day in published.world.calendar.dates:
        people = residents(published.noisy(_PANEL, day), level)
        both, bins = _seen(published.noisy(_OF, day), level)
        seen = Moments(both.value / bins, both.variance / bins**2)
        row = Moments(people.value[:, None], people.variance[:, None])
        column = Moments(people.value[None, :], people.variance[None, :])
        pairs = product(row, column)
        own = pairs_within(people.value[:, None], people.variance, people.fourth)
        np.fill_diagonal(pairs.value, own.value)
        np.fill_diagonal(pairs.variance, own.variance)
        yield Rows(
            day=day,
            codes={
                "residents": np.repeat(spots // groups, 2),
                "others": np.repeat(spots % groups, 2),
                "measure": np.tile(np.arange(2, dtype=np.int64), groups * groups),
            },
            estimate=joined([fieller(seen, pairs), fieller(seen, row)], by_cell=True),
        )


def _seen(noisy: Noisy, level: Level) -> tuple[Moments, int]:
    """Return sum n_a n_b over zones and bins for all groups, and the number of bins."""
    keys, groups = noisy.keys, len(level.labels)
    at = keys.position("overnight")
    table = np.moveaxis(noisy.values.reshape([len(key) for key in keys.keys]), at, 0)
    leaves = table.reshape(len(keys.keys[at]), -1)[: len(level.place)]
    counts = np.zeros((groups, leaves.shape[1]))
    np.add.at(counts, level.place, leaves)
    parts = np.bincount(level.place, minlength=groups).astype(np.float64)
    variance = np.asarray(parts * noisy.law.sd**2, dtype=np.float64)
    fourth = np.asarray(parts * fourth_cumulant(noisy.law), dtype=np.float64)
    return pairs_between(counts, variance, fourth), len(keys.keys[keys.position(BIN)])


TABLE = Derived(
    name="colocation",
    summary="How much residents of two places share zones: chance of being in one zone at a time,"
    " and mean number of others met. Row: residents; column: others; by time bins of one date.",
    counts=lambda _facts, _params: "chance (colocation), other persons (mixing)",
    needs=frozenset({_OF, _PANEL}),
    params=ColocationParams,
    columns=_columns,
    compute=_compute,
    check=_check,
    automatic=True,
    bias="Sums of products are unbiased: of two groups the noises are independent, of one group the"
    " noise's variance is taken off. Their ratio to the panel's size is biased by about sd^2 of"
    " that size / size^2. A person whose zone is unknown in a bin counts as absent: too low by the"
    " share of unknown time. Zones are as large as they are: sharing one is no contact.",
    interval="Fieller with estimated variances of the products (normal approximation of sums over"
    " many cells); -inf to inf where the panel's size cannot be told from 0. Noise only.",
    source="Colocation probability of two groups: sum of n_a n_b / (N_a N_b T); n (n - 1) for one.",
)
