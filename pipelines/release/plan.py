"""``plan``: what a release will measure, at what noise and cost. Free: no record is read.

This module cannot reach ingest or an engine; a contract test holds it to that.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dp.errors import TooManyCells
from dp.keys import KeySet
from dp.loss import Loss, Rho
from pipelines.errors import SpecError
from pipelines.release.books import Books, books_of
from pipelines.release.charges import booked_mechanism, charge_of, facts_of
from pipelines.release.derived_plan import derived_of, public_facts
from pipelines.release.earlier import earlier_of
from pipelines.release.layers.weigh import estimate_faults
from pipelines.release.levels import level_facts, level_faults, levels_of
from pipelines.release.limits import noise_faults
from pipelines.release.manifest import digest_of
from pipelines.release.model import Plan, PlannedMeasurement
from pipelines.release.noise import mechanism_of
from pipelines.release.outages import outage_facts
from pipelines.release.spans import (
    measured_on,
    person_bounds,
    read_for,
    span_faults,
    span_rho,
)
from pipelines.release.thresholds import check_delta, deltas
from pipelines.release.toolarge import MAX_CELLS, too_large
from pipelines.release.warnings import warnings_of
from pipelines.release.world import world_of
from pipelines.spec import agree
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from dp.keys import Key
    from dp.ledger import Policy
    from pipelines.schemas.calendar import MobilityDay
    from pipelines.schemas.measured import TableParams
    from pipelines.schemas.world import World
    from pipelines.schemas.zones import ZoneSet
    from pipelines.spec import ReleaseSpec


def plan(spec: ReleaseSpec, *, zones: ZoneSet | None = None) -> Plan:
    """Return what a release of this spec will be, with its noise and its loss. Costs nothing.

    The policy is the ledger's, or the policy file's where there is no ledger yet. The rho of a
    date is split over the tables by their shares, as exact fractions.

    Args:
        spec: A loaded spec.
        zones: The spec's zones where they are loaded already.

    Raises:
        SpecError: a key set is too large to enumerate, a threshold has no delta, the dates break
            the cap by themselves, or the declared outages cannot be (zone, time, overlap), or the
            zones do not give a level, or a table is noisier than its ``max_sd``, or a derived
            table cannot be made, or population estimates cannot: what they need is named. Or a
            table that reads all dates meets too few of them, or a change of identifiers or an
            epoch.
        PolicyMismatch: the spec restates the policy and differs.
        ZoneError: the zones cannot be used as declared.
        LedgerFault: the ledger is damaged or was restored from an old copy.
    """
    return plan_with(spec, books=books_of(spec), zones=zones)


def plan_with(spec: ReleaseSpec, *, books: Books, zones: ZoneSet | None = None) -> Plan:
    """Return the plan as these books stand: now, or as they stood when a release was drawn."""
    agree(spec, books.policy)
    world = world_of(spec, policy=books.policy, zones=zones)
    broken = [
        f"{spec.path}, tables[{i}] ({params.table}): {fault}"
        for i, params in enumerate(spec.tables)
        for fault in TABLES[params.table].check(world, params)
    ]
    broken += span_faults(spec, calendar=world.calendar, policy=books.policy)
    broken += level_faults(spec, world=world)
    if broken:
        raise SpecError("\n".join(broken))
    measurements = _measurements(spec, books=books, world=world)
    broken = noise_faults(spec, measurements, policy=books.policy, world=world)
    if broken:
        raise SpecError("\n".join(broken))
    earlier = earlier_of(spec, world=world, policy=books.policy)
    facts = public_facts(spec, world=world, earlier=earlier)
    made = Plan(
        spec=spec,
        policy=books.policy,
        ledger=books.ledger,
        world=world,
        measurements=measurements,
        facts=facts,
        earlier=earlier,
        derived=derived_of(spec, facts),
        spends=books.spends,
        digest=_digest(spec, world),
        warnings=warnings_of(spec, books=books, world=world, measurements=measurements),
    )
    faults = estimate_faults(made)
    if faults:
        raise SpecError("\n".join(faults))
    return made


def _digest(spec: ReleaseSpec, world: World) -> str:
    """Return the hash of everything public that a folder follows from, outages included."""
    facts: dict[str, Any] = {"spec": spec.public(), "zones": world.zones.digest}
    if world.towers:
        facts["towers"] = [towers.digest for towers in world.towers]
    return digest_of({**facts, "outages": outage_facts(world)} if world.outages else facts)


def allotments(spec: ReleaseSpec, policy: Policy) -> dict[str, Rho]:
    """Return the rho of each measurement of a table: exact parts by share.

    What a date may be charged is split by the shares. A table that reads all dates gets what its
    part comes to over a window (``span_rho``).
    """
    whole = spec.series.rho_per_date or policy.per_date.rho.value
    shares = sum((params.share for params in spec.tables), Fraction(0))
    dates, window = spec.dates.days, policy.unit.window_days
    parts = {params.table: whole * params.share / shares for params in spec.tables}
    return {
        name: Rho(span_rho(part, dates=dates, window=window) if TABLES[name].spans else part)
        for name, part in parts.items()
    }


def _measurements(
    spec: ReleaseSpec, *, books: Books, world: World
) -> tuple[PlannedMeasurement, ...]:
    rhos, small = allotments(spec, books.policy), deltas(spec, books.policy)
    found = []
    for day in world.calendar.dates:
        for params in spec.tables:
            if day not in measured_on(TABLES[params.table], world.calendar):
                continue
            check_delta(params, policy=books.policy, world=world, rho=rhos[params.table])
            allotted = Loss(rhos[params.table], small[params.table])
            found += _measured(
                params, spec=spec, day=day, world=world, books=books, allotted=allotted
            )
    return tuple(found)


def _measured(
    params: TableParams,
    *,
    spec: ReleaseSpec,
    day: MobilityDay,
    world: World,
    books: Books,
    allotted: Loss,
) -> list[PlannedMeasurement]:
    """Return the measurements of one table on one date, one for each level."""
    keys = _keys(params, day=day, world=world)
    if not isinstance(keys, KeySet):
        raise SpecError(
            too_large(
                params, keys, spec=spec, policy=books.policy, world=world, allotted=allotted.rho
            )
        )
    measured = TABLES[params.table]
    rule, reads = measured.rule(world, params, day, None), read_for(measured, day, world.calendar)
    levels = levels_of(params, keys, world=world)
    names = tuple(level.name for level in levels)
    found = []
    for level in levels:
        part = Loss(Rho(allotted.rho.value * level.part), allotted.delta)
        facts = facts_of(params, traces=spec.traces, world=world, allotted=part, issue=spec.issue)
        facts |= level_facts(level, params, rule, names)
        bounds = person_bounds(
            rule.coarser(level.number), measured=measured, dates=len(reads), policy=books.policy
        )
        mechanism, own = mechanism_of(params, bounds, part, rule.factor), level.keys(keys)
        charge = charge_of(facts, reads=reads, keys=own, bounds=bounds, mechanism=mechanism)
        booked = books.charges.get(charge.key)
        if booked is not None:
            charge, mechanism = booked, booked_mechanism(booked.detail, bounds)
        found.append(
            PlannedMeasurement(
                params=params,
                day=day,
                keys=own,
                bounds=bounds,
                allotted=part.rho,
                mechanism=mechanism,
                charge=charge,
                charged=booked is not None,
                level=level.name,
                lift=level.lift,
            )
        )
    return found


def _keys(params: TableParams, *, day: MobilityDay, world: World) -> KeySet | tuple[Key, ...]:
    """Return the key set of one date, or its columns where it is too large to enumerate."""
    try:
        keys = TABLES[params.table].keys(world, params, day)
    except TooManyCells as fault:
        return fault.keys
    return keys if keys.size <= MAX_CELLS or params.thresholded else keys.keys
