"""The public figures of a plan or release: noise per table, loss and what it certifies per span."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dp.accounting import attack_bound, compose, epsilon, gaussian_auc, gaussian_mu, worst_window
from dp.loss import NO_LOSS, Loss, Rho
from pipelines.release.columns import CONFIDENCE
from pipelines.release.levels import tree_of
from pipelines.release.spans import meets
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dp.accounting import Spend
    from dp.ledger import Policy
    from pipelines.release.model import PlannedMeasurement
    from pipelines.schemas.world import World

SPANS = (1, 7, 30, 365)
CHANCES = (0.001, 0.01, 0.1)
LARGEST_DELTA = Fraction(1, 10**6)
_BELOW_ONE = Fraction(999_999, 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """What is certified about one unit over one span.

    Attributes:
        span: In words.
        dates: Length in dates, None for the whole series.
        basis: "rate": every date charged as this plan charges its dearest date, and tables that
            read all dates made again and again. "ledger": the worst span of that length in what
            the ledger has booked, this plan included.
        loss: The loss over the span.
        delta: The delta at which ``epsilon`` holds, the loss's own delta included.
    """

    span: str
    dates: int | None
    basis: str
    loss: Loss
    delta: Fraction

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values, with epsilon and the bound on any attack."""
        return {
            "span": self.span,
            "dates": self.dates,
            "basis": self.basis,
            "rho": str(self.loss.rho.value),
            "rho_float": float(self.loss.rho),
            "mechanism_delta": str(self.loss.delta),
            "epsilon": rounded_up(epsilon(self.loss, self.delta), places=4),
            "delta": float(self.delta),
            "attack_bound": [{"p_out": p, "p_in_at_most": self.attack(p)} for p in CHANCES],
        }

    def attack(self, p_out: float) -> float:
        """Return the most that a person's records can raise an attack's success to, rounded up."""
        bound = attack_bound(p_out, self.loss.rho, delta=float(self.loss.delta))
        return rounded_up(bound, places=4)

    def gaussian(self) -> dict[str, float]:
        """Return the approximate Gaussian forms: mu, and the best membership test's AUC.

        Only right where ``dp.accounting.nearly_gaussian`` holds for every spend.
        """
        rho = self.loss.rho
        return {"mu": round(gaussian_mu(rho), 4), "auc_at_most": round(gaussian_auc(rho), 4)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What releases like one plan cost, back to back.

    Attributes:
        date: The loss of the dearest date by tables that read one date.
        span: The loss by tables that read all dates, for each release.
        dates: How many dates a release has.
        window: The policy's window in dates; None for the whole series.
    """

    date: Loss
    span: Loss
    dates: int
    window: int | None

    def over(self, dates: int) -> Loss:
        """Return the most that any so many consecutive dates meet."""
        spans = NO_LOSS if self.span == NO_LOSS else _times(self.span, meets(dates, self.dates))
        whole = _times(self.date, dates)
        return Loss(whole.rho + spans.rho, min(whole.delta + spans.delta, _BELOW_ONE))

    @property
    def rho(self) -> Rho:
        """The rho of one date, what reads all dates spread evenly over a window."""
        if self.window is None:
            return Rho(self.date.rho.value + self.span.rho.value / self.dates)
        return Rho(self.over(self.window).rho.value / self.window)


def reporting_delta(population: int) -> Fraction:
    """Return the delta of printed epsilons: a power of ten below 1 / population, at most 1e-6.

    >>> reporting_delta(800_000), reporting_delta(50_000_000)
    (Fraction(1, 1000000), Fraction(1, 100000000))
    """
    delta = LARGEST_DELTA
    while delta >= Fraction(1, population):
        delta /= 10
    return delta


def guarantees(policy: Policy, *, rate: Rate, spends: Sequence[Spend]) -> tuple[Guarantee, ...]:
    """Return what is certified per 1, 7, 30, 365 dates at a rate, and per span of what is booked.

    The policy's own window is one of the spans.

    Args:
        policy: Its population sets the delta.
        rate: What releases like this one cost.
        spends: Everything booked and planned.
    """
    delta, window = reporting_delta(policy.population), policy.unit.window_days
    spans = sorted({*SPANS, window or SPANS[0]})
    return (
        *(_guarantee(_dates(n), n, "rate", rate.over(n), delta) for n in spans),
        *(_guarantee(_dates(n), n, "ledger", worst_window(spends, n), delta) for n in spans),
        _guarantee("the series so far", None, "ledger", compose(spends), delta),
    )


def rate_of(measurements: Iterable[PlannedMeasurement], *, window: int | None) -> Rate:
    """Return what releases of these measurements, back to back, cost."""
    per_date: dict[Any, Loss] = {}
    spans, dates = NO_LOSS, 1
    for one in measurements:
        if TABLES[one.table].spans:
            spans, dates = spans + one.cost, len(one.reads)
        else:
            per_date[one.date] = per_date.get(one.date, NO_LOSS) + one.cost
    rho = max((loss.rho for loss in per_date.values()), default=NO_LOSS.rho)
    delta = max((loss.delta for loss in per_date.values()), default=NO_LOSS.delta)
    return Rate(date=Loss(rho, delta), span=spans, dates=dates, window=window)


def table_rows(
    dates: Sequence[Sequence[PlannedMeasurement]], limit: float, *, world: World
) -> list[dict[str, Any]]:
    """Return the figures of one table, a row for each level; where dates differ, the noisiest's.

    ``sd`` is that of published values: of a table at several levels, consistent over all of them.
    ``noise_sd`` is that of the level's own noise. ``ok_from`` is the smallest value that the
    precision rule calls ok.

    Args:
        dates: Its measurements by date, the zones first.
        limit: The spec's ``max_relative_sd``.
        world: The zones.
    """
    worst = max(dates, key=lambda own: own[0].law.sd)
    published = published_sds(worst, world=world)
    return [
        _row(one, dates=[own[i] for own in dates], sd=published[i], limit=limit)
        for i, one in enumerate(worst)
    ]


def published_sds(own: Sequence[PlannedMeasurement], *, world: World) -> tuple[float, ...]:
    """Return the largest sd of a published value at each level of one date's table."""
    tree = tree_of(own, world=world)
    if tree is None:
        return (own[0].law.sd,)
    return tuple(math.sqrt(float(spread.max())) for spread in tree.solved.variances)


def _row(
    worst: PlannedMeasurement, *, dates: Sequence[PlannedMeasurement], sd: float, limit: float
) -> dict[str, Any]:
    half = worst.law.half_width(CONFIDENCE)
    return {
        "table": worst.table,
        "level": worst.level,
        "dates": len(dates),
        "reads": len(worst.reads),
        "new": sum(not one.charged for one in dates),
        "cells": worst.keys.size,
        "noise": worst.law.kind,
        "l1": bounds_row(worst)["l1"],
        "l2": bounds_row(worst)["l2"],
        "rho_allotted": str(worst.allotted.value),
        "rho": float(worst.cost.rho),
        "noise_sd": worst.law.sd,
        "sd": sd,
        "half_width95": half if sd == worst.law.sd else half * sd / worst.law.sd,
        "ok_from": sd / limit,
        **threshold_facts(worst),
    }


def threshold_facts(one: PlannedMeasurement) -> dict[str, Any]:
    """Return where values of a threshold table begin and what it costs besides; else nothing."""
    from dp.mechanisms import Threshold

    if not isinstance(one.mechanism, Threshold):
        return {}
    return {"released_from": one.mechanism.least, "delta": float(one.cost.delta)}


def bounds_row(one: PlannedMeasurement) -> dict[str, float]:
    """Return what one unit moves a table of one date by, at most, in released units.

    L0 is at most the number of cells, and so L1 at most sqrt(cells x L2^2) (Cauchy and Schwarz).
    """
    cells, bounds, factor = one.keys.measured_count, one.bounds, one.law.factor
    return {
        "l0": min(bounds.l0, cells),
        "l1": min(bounds.l1, math.isqrt(cells * bounds.l2_squared) + 1) / factor,
        "l2": bounds.l2 / factor,
        "linf": bounds.linf / factor,
    }


def rounded_up(value: float, *, places: int) -> float:
    """Return ``value`` rounded up, so that a printed figure is never below the certified one.

    >>> rounded_up(5.2183, places=2), rounded_up(0.25, places=2)
    (5.22, 0.25)
    """
    if not math.isfinite(value):
        return value
    return float(Fraction(math.ceil(Fraction(value) * 10**places), 10**places))


def _guarantee(span: str, dates: int | None, basis: str, loss: Loss, delta: Fraction) -> Guarantee:
    return Guarantee(span=span, dates=dates, basis=basis, loss=loss, delta=delta + loss.delta)


def _dates(n: int) -> str:
    return "1 date" if n == 1 else f"{n} dates"


def _times(loss: Loss, n: int) -> Loss:
    return Loss(loss.rho * n, min(loss.delta * n, _BELOW_ONE))
