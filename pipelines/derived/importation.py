"""Importation: how many infectious trips reach each zone from the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from pydantic import Field

from dp.postprocess import Estimate, Moments
from pipelines.derived._places import keys_of
from pipelines.derived._prevalence import read_prevalence
from pipelines.derived._stack import joined
from pipelines.derived._trips import FLOWS
from pipelines.schemas.derived import Derived, DerivedParams, Facts, KeyColumn, Published, Rows
from pipelines.schemas.inputs import PinnedFile

_MEASURES = ("expected", "risk")


class ImportationParams(DerivedParams):
    """Parameters of ``importation``."""

    prevalence: PinnedFile
    """A public CSV file: zone, prevalence (a part from 0 to 1), sd, and perhaps date."""
    weight: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
    """Trips of all people for one trip in the panel: a public number, such as people / panel."""
    weight_sd: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] = 0.0
    """Standard deviation of the weight."""


def _check(facts: Facts, params: ImportationParams) -> list[str]:
    if set(keys_of(facts, FLOWS).names) != {"origin", "destination"}:
        return ["od_flows must have the keys origin and destination alone."]
    return read_prevalence(params.prevalence, facts.world)[1]


def _columns(facts: Facts, _params: ImportationParams) -> tuple[KeyColumn, ...]:
    return (
        KeyColumn(name="zone", meaning="zone that is reached", labels=facts.world.zones.ids),
        KeyColumn(
            name="measure",
            meaning="expected: infectious arrivals, lambda; risk: chance of at least one,"
            " 1 - exp(-lambda)",
            labels=_MEASURES,
        ),
    )


def _compute(published: Published, params: ImportationParams) -> Iterator[Rows]:
    zones = len(published.world.zones)
    file, _ = read_prevalence(params.prevalence, published.world)
    for day in published.world.calendar.dates:
        noisy = published.noisy(FLOWS, day)
        flows = Moments(noisy.values.reshape(zones, zones), (noisy.sd**2).reshape(zones, zones))
        expected = arrivals(flows, file.on(day.date), params.weight, params.weight_sd).normal()
        yield Rows(
            day=day,
            codes={
                "zone": np.repeat(np.arange(zones, dtype=np.int64), 2),
                "measure": np.tile(np.arange(2, dtype=np.int64), zones),
            },
            estimate=joined([expected, _risk(expected)], by_cell=True),
        )


def arrivals(flows: Moments, prevalence: Moments, weight: float, weight_sd: float) -> Moments:
    """Return lambda_j = weight x sum over i of prevalence_i T_ij, unbiased, with its variance.

    Var(p T) = p^2 Vt + T^2 Vp + Vp Vt for independent p and T; T^2 is estimated by the noisy
    square less Vt, p^2 by the stated square. The weight is one for all zones.

    Args:
        flows: T, shape (zones, zones), rows are origins, 0 on the diagonal.
        prevalence: By origin.
        weight: Public scale.
        weight_sd: Its standard deviation.
    """
    p, vp = prevalence.value[:, None], prevalence.variance[:, None]
    panel = np.sum(p * flows.value, axis=0)
    least = np.sum(p**2 * flows.variance, axis=0)
    spread = least + np.sum(flows.value**2 * vp, axis=0)
    variance = np.maximum(spread, least)
    scaled = weight**2 * variance + panel**2 * weight_sd**2
    return Moments(weight * panel, scaled)


def _risk(expected: Estimate) -> Estimate:
    """Return 1 - exp(-lambda); the interval's ends move with it, sd by the delta method."""
    return Estimate(
        -np.expm1(-expected.value),
        expected.sd * np.exp(-expected.value),
        -np.expm1(-expected.lo),
        -np.expm1(-expected.hi),
    )


TABLE = Derived(
    name="importation",
    summary="Infectious arrivals in each zone from all others, by prevalence at the origin times"
    " trips, and the chance of at least one.",
    counts=lambda _facts, _params: "infectious arrivals (expected), chance (risk)",
    needs=frozenset({FLOWS}),
    params=ImportationParams,
    columns=_columns,
    compute=_compute,
    check=_check,
    bias="Expected arrivals are unbiased for trips in od_flows (after its cap) if prevalence among"
    " travellers is the zone's; the risk is a curve of them, too low by about"
    " sd^2 exp(-lambda) / 2. A negative value is noise around a small one.",
    interval="Normal, with noise, the prevalence's sd and the weight's sd; the risk's ends are the"
    " curve of the expected's. Not the cap's cut, not who is missing from the panel.",
    source="Force of importation, as in Lai et al. 2020 (Nature 585:410), by origin prevalence.",
)
