"""Kept share: the part of all trips that the cap of od_flows leaves in it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dp.postprocess import Moments, fieller
from pipelines.derived._places import keys_of
from pipelines.derived._trips import FLOWS, PER_PERSON, all_flows, flow_faults, numbers
from pipelines.schemas.derived import Derived, DerivedParams, Facts, Published, Rows


def _check(facts: Facts, _params: DerivedParams) -> list[str]:
    return flow_faults(facts, keys_of(facts, PER_PERSON))


def _compute(published: Published, _params: DerivedParams) -> Iterator[Rows]:
    for day in published.world.calendar.dates:
        people = published.best(PER_PERSON, day)
        whole = np.zeros(people.keys.size, dtype=np.int64)
        made = people.sums(whole, 1, weights=numbers(people.keys))
        kept = all_flows(published.best(FLOWS, day))
        yield Rows(
            day=day,
            codes={},
            estimate=fieller(
                Moments(kept.value, kept.variance), Moments(made.value, made.variance)
            ),
        )


TABLE = Derived(
    name="kept_share",
    summary="The part of all trips of a date that is left in od_flows after the cap: divide a flow"
    " by it to undo the cut on average.",
    counts=lambda _facts, _params: "part of all trips",
    needs=frozenset({FLOWS, PER_PERSON}),
    params=DerivedParams,
    columns=lambda _facts, _params: (),
    compute=_compute,
    check=_check,
    layer="consistent",
    automatic=True,
    bias="The open class of trips_per_person counts as its least number of trips, so all trips are"
    " somewhat too few and the share somewhat too large. It is one figure for all pairs: pairs"
    " that busy travellers use lose more.",
    interval="Fieller of two independent sums. Noise only.",
    source="Ratio of two measurements of this release.",
)
