"""Residence time: where the residents of each zone spend their known time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dp.postprocess import Moments, group_sums, share
from dp.postprocess.sums import NOWHERE
from pipelines.derived._places import keys_of
from pipelines.derived._residents import OVERNIGHT
from pipelines.schemas.derived import Derived, DerivedParams, Facts, KeyColumn, Published, Rows

_OF = "presence_by_overnight"


def _check(facts: Facts, _params: DerivedParams) -> list[str]:
    if {OVERNIGHT, "zone"} <= set(keys_of(facts, _OF).names):
        return []
    return [f"{_OF} has no keys {OVERNIGHT} and zone."]


def _columns(facts: Facts, _params: DerivedParams) -> tuple[KeyColumn, ...]:
    zones = facts.world.zones.ids
    return (
        KeyColumn(name="residence", meaning="overnight zone: the matrix's row", labels=zones),
        KeyColumn(name="zone", meaning="where the time is spent: its column", labels=zones),
    )


def _compute(published: Published, _params: DerivedParams) -> Iterator[Rows]:
    zones = len(published.world.zones)
    spots = np.arange(zones * zones, dtype=np.int64)
    for day in published.world.calendar.dates:
        noisy = published.noisy(_OF, day)
        row, column = noisy.keys.codes(OVERNIGHT), noisy.keys.codes("zone")
        at = np.where((row < zones) & (column < zones), row * zones + column, NOWHERE)
        cells = group_sums(noisy, at, zones * zones)
        rows = group_sums(noisy, np.where(at == NOWHERE, NOWHERE, row), zones)
        yield Rows(
            day=day,
            codes={"residence": spots // zones, "zone": spots % zones},
            estimate=share(
                Moments(cells.value, cells.variance),
                Moments(rows.value[spots // zones], rows.variance[spots // zones]),
                fourth=cells.fourth,
                fourth_whole=rows.fourth[spots // zones],
            ),
        )


TABLE = Derived(
    name="residence_time",
    summary="Part of the known time inside the zones that residents of a zone spend in each zone."
    " Row: residence; column: where; rows add up to 1.",
    counts=lambda _facts, _params: "part of the residents' known time",
    needs=frozenset({_OF}),
    params=DerivedParams,
    columns=_columns,
    compute=_compute,
    check=_check,
    automatic=True,
    bias="A ratio of unbiased sums: biased by about sd^2 of the row's sum / sum^2, relative to"
    " itself. Time with an unknown zone is in neither.",
    interval="Fieller with the exact covariance of a cell and its row; -inf to inf where the row's"
    " sum cannot be told from 0. Noise only.",
    source="Residence time matrix of metapopulation models, as in Bichara et al. 2015"
    " (Bull. Math. Biol. 77:2004).",
)
