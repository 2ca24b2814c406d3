"""Tables of which only cells that reach a threshold are published: their delta and threshold."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from dp.errors import BoundError
from dp.loss import Loss, Rho
from dp.mechanisms import Threshold, threshold
from pipelines.errors import SpecError
from pipelines.schemas.measured import CappedParams
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from dp.bounds import Bounds
    from dp.ledger import Policy
    from pipelines.schemas.measured import TableParams
    from pipelines.schemas.world import World
    from pipelines.spec import ReleaseSpec

_SMALL = 100
"""The delta that is suggested is this many times below one in the declared population."""
ABSENT = (
    "A cell without a row is not_released, which is not 0: its value may be anything that the noise"
    " can hide below the threshold. A cell has a row because its noisy value was large, so values"
    " near the threshold are too high on average, and so are sums of rows."
)


def deltas(spec: ReleaseSpec, policy: Policy) -> dict[str, Fraction]:
    """Return the delta of one date per table: the date's part of the policy's cap, by share.

    Tables that need none get 0; the shares of the others divide all of it.
    """
    shares = sum((p.share for p in spec.tables if p.thresholded), Fraction(0))
    return {
        p.table: policy.per_date.delta * p.share / shares if p.thresholded else Fraction(0)
        for p in spec.tables
    }


@lru_cache(maxsize=1024)
def threshold_of(table: str, noise: str, bounds: Bounds, allotted: Loss, factor: int) -> Threshold:
    """Return the least threshold that the allotted rho and delta buy.

    Raises:
        SpecError: none keeps its delta so small.
    """
    kind = "discrete_laplace" if noise == "laplace" else "discrete_gaussian"
    try:
        return threshold(bounds, allotted, factor, kind=kind)  # type: ignore[arg-type]
    except BoundError as fault:
        raise SpecError(f'{table}: keys = "threshold": {fault}') from None


def check_delta(params: TableParams, *, policy: Policy, world: World, rho: Rho) -> None:
    """Return where a table may have a threshold.

    Raises:
        SpecError: it reads several dates at once, or the policy allows no delta; one that would
            work is named.
    """
    if not params.thresholded:
        return
    if TABLES[params.table].spans:
        raise SpecError(
            f'{params.table}: keys = "threshold" is for tables that read each date by itself. Write'
            ' keys = "all".'
        )
    if policy.cap.delta:
        return
    days = policy.unit.window_days or 1
    cap = Fraction(1, _SMALL * policy.population)
    found = suggested(params, policy=policy, world=world, allotted=Loss(rho, cap / days))
    gives = "" if found is None else f" It would release {_cells(params, found)}."
    raise SpecError(
        f'{params.table}: keys = "threshold" costs a delta, and the policy allows none. Write'
        f' cap_delta = "{cap}" in the policy file ({_SMALL} times below one in'
        f" {policy.population:,} people) and create a ledger with it: a policy that stands is only"
        f' ever tightened.{gives} Or write keys = "all".'
    )


def suggestion(params: TableParams, *, policy: Policy, world: World, allotted: Rho) -> str:
    """Return what ``keys = "threshold"`` would release of a table, and at which delta."""
    days = policy.unit.window_days or 1
    delta = policy.per_date.delta or Fraction(1, _SMALL * policy.population * days)
    whose = "the policy's" if policy.cap.delta else "a cap_delta of 1 in 100 times the population's"
    found = suggested(params, policy=policy, world=world, allotted=Loss(allotted, delta))
    if found is None:
        return f"A threshold mechanism cannot keep its delta at {float(delta):.2g}"
    asked = ' and bounding = "sampling"' if isinstance(params, CappedParams) else ""
    return (
        f'Or write keys = "threshold"{asked}: nothing is enumerated, and only'
        f" {_cells(params, found)} would be released, at a delta of"
        f" {float(found.cost.delta):.2g} a date ({whose})"
    )


def suggested(
    params: TableParams, *, policy: Policy, world: World, allotted: Loss
) -> Threshold | None:
    """Return the threshold of a table if it were sampled; None where no threshold is enough."""
    sampled = isinstance(params, CappedParams)
    kept = params.model_copy(update={"bounding": "sampling"}) if sampled else params
    rule = TABLES[params.table].rule(world, kept, world.calendar.dates[0], None)
    bounds = rule.bounds.times(policy.unit.multiplicity)
    try:
        return threshold_of(params.table, params.noise, bounds, allotted, rule.factor)
    except SpecError:
        return None


def _cells(params: TableParams, found: Threshold) -> str:
    return f"cells of {found.least:,.0f} {TABLES[params.table].counts} or more"
