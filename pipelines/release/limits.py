"""Limits of noise that a spec sets itself: refused while planning, with what would do."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from dp.loss import Rho
from pipelines.release.figures import published_sds
from pipelines.release.noise import noise_of
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dp.ledger import Policy
    from pipelines.release.model import PlannedMeasurement
    from pipelines.schemas.measured import TableParams
    from pipelines.schemas.world import World
    from pipelines.spec import ReleaseSpec

_TRIES = 60
_DIGITS = 3


def noise_faults(
    spec: ReleaseSpec,
    measurements: Sequence[PlannedMeasurement],
    *,
    policy: Policy,
    world: World,
) -> list[str]:
    """Return a sentence for each table that is noisier than its ``max_sd``, with what would do.

    Every number that is named was tried: a plan with it keeps the limit.

    Args:
        spec: The spec.
        measurements: All planned measurements.
        policy: The rho that a date may be charged, and the cap.
        world: The zones.
    """
    found = []
    for i, params in enumerate(spec.tables):
        if params.max_sd is None:
            continue
        worst = _noisiest(params.table, measurements)
        sd = published_sds(worst, world=world)[0]
        if sd > params.max_sd:
            ways = ", or ".join(_ways(params, worst, spec=spec, policy=policy, world=world))
            found.append(
                f"{spec.path}, tables[{i}] ({params.table}): the sd of a published value would be"
                f" {sd:.4g} {TABLES[params.table].counts}, more than max_sd = {params.max_sd:g}."
                f" Write {ways}, or max_sd = {_above(sd):g}."
            )
    return found


def _noisiest(table: str, measurements: Sequence[PlannedMeasurement]) -> list[PlannedMeasurement]:
    by_date: dict[object, list[PlannedMeasurement]] = {}
    for one in measurements:
        if one.table == table:
            by_date.setdefault(one.date, []).append(one)
    return max(by_date.values(), key=lambda own: own[0].law.sd)


def _ways(
    params: TableParams,
    own: Sequence[PlannedMeasurement],
    *,
    spec: ReleaseSpec,
    policy: Policy,
    world: World,
) -> Iterator[str]:
    whole = spec.series.rho_per_date or policy.per_date.rho.value
    now = sum((one.allotted.value for one in own), Fraction(0))
    times = _rho_that_does(own, params, world=world) / now
    shares = sum((p.share for p in spec.tables), Fraction(0))
    due, others = times * whole * params.share / shares, shares - params.share
    if due < whole and others:
        share = _rounded_up(due * others / (whole - due))
        yield f'share = "{share}"'
    rho = _rounded_up(whole * times)
    dates = min(spec.dates.days, policy.unit.window_days or spec.dates.days)
    if Fraction(rho) * dates <= policy.cap.rho.value:
        yield f'rho_per_date = "{rho}" under [series]'
    if len(own) > 1 and _sd_alone(own, now) <= (params.max_sd or math.inf):
        yield "levels = false"


def _rho_that_does(
    own: Sequence[PlannedMeasurement], params: TableParams, *, world: World
) -> Fraction:
    """Return a rho of the whole table under which its noise keeps the limit."""
    limit = float(params.max_sd or math.inf)
    now = sum((one.allotted.value for one in own), Fraction(0))
    sd = published_sds(own, world=world)[0]
    rho = now
    for _ in range(_TRIES):
        rho = Fraction(_rounded_up(rho * Fraction(sd / limit) ** 2))
        sd = published_sds([_at(one, rho / now) for one in own], world=world)[0]
        if sd <= limit:
            break
        sd = max(sd, limit * 1.001)
    return rho


def _at(one: PlannedMeasurement, times: Fraction) -> PlannedMeasurement:
    """Return a measurement with so many times its rho."""
    rho = Rho(one.allotted.value * times)
    mechanism = noise_of(one.params.noise, one.bounds, rho, one.law.factor)
    return replace(one, allotted=rho, mechanism=mechanism)


def _sd_alone(own: Sequence[PlannedMeasurement], rho: Fraction) -> float:
    """Return the sd of the cells if they had the rho of all levels."""
    return _at(own[0], rho / own[0].allotted.value).law.sd


def _rounded_up(value: Fraction) -> str:
    """Return a number with three digits that is no smaller, as exact text.

    >>> _rounded_up(Fraction(1, 3)), _rounded_up(Fraction(12345)), _rounded_up(Fraction(2))
    ('0.334', '12400', '2')
    """
    places = _DIGITS - 1 - math.floor(math.log10(value))
    scale = Fraction(10) ** places
    found = Fraction(math.ceil(value * scale)) / scale
    return (
        f"{float(found):.{max(places, 0)}f}".rstrip("0").rstrip(".") if places > 0 else str(found)
    )


def _above(sd: float) -> float:
    return float(_rounded_up(Fraction(sd)))
