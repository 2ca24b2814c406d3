"""What an engineer should know before spending: sentences from public facts alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipelines.release.columns import CONFIDENCE
from pipelines.release.sparse import sparse_warnings
from pipelines.release.toolarge import CELLS_PER_SECOND
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dp.ledger import Policy
    from pipelines.release.books import Books
    from pipelines.release.model import PlannedMeasurement
    from pipelines.schemas.world import World
    from pipelines.spec import ReleaseSpec

_WASTE = 0.01
_LONG_MINUTES = 1


def warnings_of(
    spec: ReleaseSpec, *, books: Books, world: World, measurements: Sequence[PlannedMeasurement]
) -> tuple[str, ...]:
    """Return every warning of a plan, in a fixed order."""
    found: list[str] = []
    for params in spec.tables:
        own = [one for one in measurements if one.table == params.table and one.lift is None]
        found += [] if params.thresholded else _noisy(own, policy=books.policy)
        found += _wasted(own)
    found += sparse_warnings(spec)
    found += _slow(measurements)
    found += _unit(books.policy)
    found += _rate(spec, books.policy)
    found += books.notes
    found += [f"zones: {note}" for note in world.zones.notes]
    return tuple(found)


def full_mean_cell(one: PlannedMeasurement, *, population: int) -> float:
    """Return the mean cell, in released units, if every declared person counted up to the bound.

    A person who adds 1 to as many cells as L2^2 allows is the fullest that bounding leaves whole.
    """
    full = one.bounds.l2_squared / one.law.factor**2
    return float(full * population / one.keys.measured_count)


def _noisy(own: Sequence[PlannedMeasurement], *, policy: Policy) -> Iterator[str]:
    worst = max(own, key=lambda one: one.law.sd)
    half = worst.law.half_width(CONFIDENCE)
    mean = full_mean_cell(worst, population=policy.population)
    if half > mean:
        counts = TABLES[worst.table].counts
        yield (
            f"{worst.table}: the 95% half-width is {half:,.1f} {counts}, yet even if all"
            f" {policy.population:,} declared people counted up to the bound, the mean cell would"
            f" hold {mean:,.2g}. Most cells will be low_precision: take coarser zones, a larger"
            " share or more rho per date"
        )


def _wasted(own: Sequence[PlannedMeasurement]) -> Iterator[str]:
    for one in own:
        allotted, cost = float(one.allotted), float(one.cost.rho)
        if not one.charged and cost < allotted * (1 - _WASTE):
            yield (
                f"{one.table}: its noise costs rho {cost:.3g} of the {allotted:.3g} allotted;"
                " the rest of its share stays unspent"
            )
            return


def _slow(measurements: Sequence[PlannedMeasurement]) -> Iterator[str]:
    new = [one for one in measurements if not one.charged and not one.params.thresholded]
    cells = sum(one.keys.size for one in new)
    minutes = cells / CELLS_PER_SECOND / 60
    if minutes >= _LONG_MINUTES:
        yield (
            f"noise for {cells:,} cells takes about {math.ceil(minutes):,} minutes of one core;"
            " coarser zones need less"
        )


def _unit(policy: Policy) -> Iterator[str]:
    if policy.unit.ids_per_person_per_date is None:
        yield (
            "the unit is one device, not one person: nobody attests how many identifiers a person"
            " has on one date. A person with k of them loses k^2 times the stated rho"
        )


def _rate(spec: ReleaseSpec, policy: Policy) -> Iterator[str]:
    asked, usual = spec.series.rho_per_date, policy.per_date.rho.value
    if asked is not None and asked > usual:
        yield (
            f"rho_per_date {asked} is more than cap / window = {usual}: the window fills before it"
            " ends, and later dates in it will be refused"
        )
