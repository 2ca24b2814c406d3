"""A plan as data: everything that will be measured, at what noise and at what cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dp.accounting import Spend, nearly_gaussian
from dp.mechanisms import Mechanism
from pipelines.release.figures import Guarantee, Rate, guarantees, rate_of, table_rows
from pipelines.schemas.levels import ZONE

if TYPE_CHECKING:
    import datetime as dt

    from dp.bounds import Bounds
    from dp.keys import KeySet
    from dp.law import NoiseLaw
    from dp.ledger import Charge, Policy
    from dp.lifts import Lift
    from dp.loss import Loss, Rho
    from dp.mechanisms import Threshold
    from pipelines.release.derived_plan import PlannedDerived
    from pipelines.release.earlier import Earlier
    from pipelines.schemas.calendar import MobilityDay
    from pipelines.schemas.derived import Facts
    from pipelines.schemas.measured import TableParams
    from pipelines.schemas.world import World
    from pipelines.spec import ReleaseSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMeasurement:
    """One table on one date.

    Attributes:
        params: The table's entry in the spec.
        day: The date; the last one where several are read.
        keys: Its public key set.
        bounds: What one *person* changes, at most, in lattice units.
        allotted: The rho that it may cost.
        mechanism: Noise law, exact cost and the way to draw; a ``Threshold`` where only cells that
            reach it are published.
        charge: What the ledger books for it.
        charged: Whether the ledger has booked it before: it then costs nothing again.
        level: "zone" for the table's own cells, or the level above that is measured.
        lift: The public map from the table's cells to this level's; None for the cells themselves.
    """

    params: TableParams
    day: MobilityDay
    keys: KeySet = field(repr=False)
    bounds: Bounds
    allotted: Rho
    mechanism: Mechanism | Threshold
    charge: Charge = field(repr=False)
    charged: bool
    level: str = ZONE
    lift: Lift | None = field(default=None, repr=False)

    @property
    def table(self) -> str:
        """Name of the table."""
        return self.params.table

    @property
    def noise(self) -> Mechanism:
        """What draws the noise, whatever is published of it."""
        return self.mechanism if isinstance(self.mechanism, Mechanism) else self.mechanism.noise

    @property
    def date(self) -> dt.date:
        """The date under which it is published."""
        return self.day.date

    @property
    def reads(self) -> tuple[dt.date, ...]:
        """The dates that are read, in order."""
        return self.charge.reads

    @property
    def law(self) -> NoiseLaw:
        """The noise of every measured cell."""
        return self.mechanism.law

    @property
    def cost(self) -> Loss:
        """What a person loses by it, at most: the mechanism map's answer."""
        return self.mechanism.cost


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a release will be. Made from public facts and the ledger; costs nothing.

    Attributes:
        spec: The spec.
        policy: The ledger's policy, or the policy file's where there is no ledger yet.
        ledger: The ledger's id, None where there is none yet.
        world: Days and zones.
        measurements: In the order in which they are drawn and published.
        facts: What derived tables may depend on before anything is drawn.
        earlier: What earlier releases offer.
        derived: Derived tables, by name.
        spends: What the ledger has booked so far.
        digest: Hash of everything public that the release folder follows from.
        warnings: Sentences for the engineer, from public facts only.
    """

    spec: ReleaseSpec
    policy: Policy
    ledger: str | None
    world: World
    measurements: tuple[PlannedMeasurement, ...]
    facts: Facts = field(repr=False)
    earlier: Earlier = field(repr=False)
    derived: tuple[PlannedDerived, ...]
    spends: tuple[Spend, ...]
    digest: str
    warnings: tuple[str, ...]

    @property
    def new(self) -> tuple[PlannedMeasurement, ...]:
        """The measurements that cost budget."""
        return tuple(m for m in self.measurements if not m.charged)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables of which every key is published, in the spec's order."""
        return tuple(params.table for params in self.spec.tables if not params.thresholded)

    @property
    def thresholded(self) -> tuple[str, ...]:
        """Names of the tables of which only cells that reach a threshold are published."""
        return tuple(params.table for params in self.spec.tables if params.thresholded)

    def of(self, table: str) -> tuple[PlannedMeasurement, ...]:
        """Return the measurements of one table's own cells in date order."""
        return tuple(m for m in self.measurements if m.table == table and m.lift is None)

    def at(self, one: PlannedMeasurement) -> tuple[PlannedMeasurement, ...]:
        """Return the measurements of all levels of a measurement's table and date, zones first."""
        return self._by_date[one.table, one.date]

    @cached_property
    def _by_date(self) -> dict[tuple[str, dt.date], tuple[PlannedMeasurement, ...]]:
        found: dict[tuple[str, dt.date], tuple[PlannedMeasurement, ...]] = {}
        for m in self.measurements:
            found[m.table, m.date] = (*found.get((m.table, m.date), ()), m)
        return found

    def levels(self, table: str) -> tuple[str, ...]:
        """Return the levels at which a table is measured, "zone" first."""
        return tuple(dict.fromkeys(m.level for m in self.measurements if m.table == table))

    @property
    def rate(self) -> Rate:
        """What releases like this one, back to back, cost."""
        return rate_of(self.measurements, window=self.policy.unit.window_days)

    @property
    def planned(self) -> tuple[Spend, ...]:
        """Everything that the ledger has booked and what this plan adds."""
        return self.spends + tuple(
            Spend(
                table=m.table,
                reads=m.charge.reads,
                loss=m.cost,
                kind=m.law.kind,
                steps=m.law.scale,
            )
            for m in self.new
        )

    @property
    def gaussian(self) -> bool:
        """Whether the approximate Gaussian forms may be printed for the series and this plan."""
        return nearly_gaussian(self.planned)

    def guarantees(self) -> tuple[Guarantee, ...]:
        """Return what is certified per span, at this plan's rate and for the series."""
        return guarantees(self.policy, rate=self.rate, spends=self.planned)

    def rows(self) -> list[dict[str, Any]]:
        """Return one plain row per table and level: cells, L2, rho, sd, 95% half-width."""
        limit = self.spec.release.max_relative_sd
        names = [params.table for params in self.spec.tables]
        return [
            row
            for name in names
            for row in table_rows([self.at(one) for one in self.of(name)], limit, world=self.world)
        ]

    def epsilons(self) -> list[dict[str, Any]]:
        """Return one plain row per span: rho, epsilon, delta and the bound on any attack."""
        return [one.as_dict() for one in self.guarantees()]

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as JSON values, without any path."""
        unit = self.policy.unit
        return {
            "title": self.spec.title,
            "digest": self.digest,
            "issue": self.spec.issue,
            "dates": {"start": self.spec.dates.start.isoformat(), "days": self.spec.dates.days},
            "ledger": self.ledger,
            "unit": str(unit),
            "policy": self.policy.as_dict(),
            "zones": {"origin": self.world.zones.origin, "count": len(self.world.zones)},
            "rho_per_date": str(self.rate.rho.value),
            "new_charges": len(self.new),
            "tables": self.rows(),
            "derived": [one.name for one in self.derived],
            "guarantees": self.epsilons(),
            "warnings": list(self.warnings),
        }
