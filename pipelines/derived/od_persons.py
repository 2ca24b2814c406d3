"""Persons by zone of residence and main destination, stayers on the diagonal: a model's matrix."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dp.postprocess import Estimate, Moments, fieller, group_sums, product
from dp.postprocess.sums import NOWHERE
from pipelines.derived._places import keys_of
from pipelines.derived._residents import OVERNIGHT
from pipelines.derived._trips import FLOWS, PER_PERSON, flow_faults, numbers
from pipelines.schemas.derived import Derived, DerivedParams, Facts, KeyColumn, Published, Rows


def _check(facts: Facts, _params: DerivedParams) -> list[str]:
    return flow_faults(facts, keys_of(facts, PER_PERSON))


def _columns(facts: Facts, _params: DerivedParams) -> tuple[KeyColumn, ...]:
    zones = facts.world.zones.ids
    return (
        KeyColumn(name="origin", meaning="overnight zone: the matrix's row", labels=zones),
        KeyColumn(
            name="destination",
            meaning="where they go: its column; the origin itself for those without a trip",
            labels=zones,
        ),
    )


def _compute(published: Published, _params: DerivedParams) -> Iterator[Rows]:
    zones = len(published.world.zones)
    spots = np.arange(zones * zones, dtype=np.int64)
    row, column = spots // zones, spots % zones
    for day in published.world.calendar.dates:
        people, flows = published.noisy(PER_PERSON, day), published.noisy(FLOWS, day)
        home, trips = people.keys.codes(OVERNIGHT), numbers(people.keys)
        stay = group_sums(people, np.where((home < zones) & (trips == 0), home, NOWHERE), zones)
        move = group_sums(people, np.where((home < zones) & (trips > 0), home, NOWHERE), zones)
        origin, destination = flows.keys.codes("origin"), flows.keys.codes("destination")
        pair = group_sums(flows, origin * zones + destination, zones * zones)
        out = group_sums(flows, origin, zones)
        movers = Moments(move.value[row], move.variance[row])
        leaving = product(movers, Moments(pair.value, pair.variance))
        with np.errstate(divide="ignore", invalid="ignore"):
            r = np.nan_to_num(leaving.value / out.value[row], posinf=0.0, neginf=0.0)
        split = fieller(
            leaving,
            Moments(out.value[row], out.variance[row]),
            covariance=movers.value * pair.variance,
            fourth=(movers.value - r) ** 4 * pair.fourth
            + r**4 * (out.fourth[row] - pair.fourth)
            + pair.value**4 * move.fourth[row],
        )
        lo, hi = stay.interval()
        stayers = Estimate(stay.value[row], stay.sd[row], lo[row], hi[row])
        own = row == column
        yield Rows(
            day=day,
            codes={"origin": row, "destination": column},
            estimate=split.where(own, stayers),
        )


TABLE = Derived(
    name="od_persons",
    summary="Panel members by overnight zone (row: origin) and destination (column), those without"
    " a trip on the diagonal; a row adds up to the zone's panel members.",
    counts=lambda _facts, _params: "persons",
    needs=frozenset({FLOWS, PER_PERSON}),
    params=DerivedParams,
    columns=_columns,
    compute=_compute,
    check=_check,
    automatic=True,
    bias="Movers of a zone are split over destinations as the trips that start there, whoever makes"
    " them: exact where trips that start in a zone are its residents'. The split is a ratio,"
    " biased by about sd^2 of the row's trips / trips^2, relative to itself.",
    interval="Diagonal: normal. Elsewhere Fieller of movers x trips over the row's trips, with"
    " their covariance; -inf to inf where the row's trips cannot be told from 0. Noise only.",
    source="Commuter matrix of metapopulation models, as in Keeling and Rohani 2002"
    " (Ecol. Lett. 5:20).",
)
