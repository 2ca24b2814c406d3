"""``privacy.json``: the guarantee as data, and a record for OpenDP's deployments registry."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pipelines.release.figures import bounds_row, published_sds, threshold_facts
from pipelines.release.registry import registry_record
from pipelines.release.thresholds import ABSENT
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.release.books import Booking
    from pipelines.release.model import Plan, PlannedMeasurement
    from pipelines.schemas.world import World

_SHARED = (
    "the table is consistent over its levels: its rows share noise, so add them up with aggregate"
)
NOT_PROMISED = (
    "It does not stop guessing from regularity: what most people do, one person likely does.",
    "Losses add across ledgers: other data holders' releases on the same people do not count here.",
    "Groups: a household of k people that moves as one loses k^2 times the rho of one person.",
    "It rests on what the custodian attests about identifiers; nobody else can check that.",
    "Undated inputs about a person (id map, exclusions, strata) have the series' figure only.",
    "Public facts are not hidden: the zones, the dates, and that this operator took part.",
)


def privacy_facts(plan: Plan, booking: Booking) -> dict[str, Any]:
    """Return the content of ``privacy.json``: no count, no path, nothing that moves with the data.

    ``guarantee`` is this project's own statement; ``registry`` has the field names and the
    enumerations of the schema of OpenDP's deployments registry (July 2026).
    """
    return {
        "release": booking.release,
        "guarantee": _guarantee(plan),
        "registry": registry_record(plan, booking),
    }


def unit_sentence(plan: Plan) -> str:
    """Return who is protected, and for how long, in one sentence."""
    unit, days = plan.policy.unit, plan.policy.unit.window_days
    span = "the whole series" if days is None else f"any {days} dates in a row"
    span = "any one date" if days == 1 else span
    return (
        f"Everything that one {unit.subject} did in {span} (a date starts at"
        f" {plan.policy.day_starts}, {plan.policy.time_zone})"
    )


def attestation(plan: Plan) -> str:
    """Return what the custodian attests about identifiers, or that nobody does."""
    ids, rotation = plan.policy.unit.ids_per_person_per_date, plan.policy.id_rotation
    if ids is None:
        return (
            "Nobody attests how many identifiers one person has: the unit is one device. A person"
            f" with k devices loses k^2 times the stated rho. Identifiers change: {rotation}."
        )
    return (
        f"The custodian attests that one person has at most {ids}"
        f" {'identifier' if ids == 1 else 'identifiers'} on any one date. Identifiers change:"
        f" {rotation}."
    )


def _guarantee(plan: Plan) -> dict[str, Any]:
    unit, rate = plan.policy.unit, plan.rate
    series = plan.guarantees()[-1]
    return {
        "definition": "zero-concentrated differential privacy; neighbours differ by adding or"
        " removing the unit",
        "unit": str(unit),
        "unit_details": unit_sentence(plan) + ".",
        "subject": unit.subject,
        "window_days": unit.window_days,
        "attestation": attestation(plan),
        "policy": plan.policy.as_dict(),
        "rho_per_date": str(rate.rho.value),
        "rho_per_date_float": float(rate.rho),
        "spans": plan.epsilons(),
        "gaussian_forms_approximate": series.gaussian() if plan.gaussian else None,
        "tables": [_table(plan, name) for name in plan.tables],
        **(
            {"thresholded": [_thresholded(plan, name) for name in plan.thresholded]}
            if plan.thresholded
            else {}
        ),
        "not_promised": list(NOT_PROMISED),
    }


def _price(own: Sequence[PlannedMeasurement]) -> dict[str, Any]:
    """Return what the measurements of one date cost together, and over which dates."""
    rho = sum((one.cost.rho.value for one in own), Fraction(0))
    reads = own[0].reads
    if len(reads) == 1:
        return {"rho_per_date": str(rho), "rho_per_date_float": float(rho)}
    ends = {"from": reads[0].isoformat(), "to": reads[-1].isoformat()}
    return {"rho": str(rho), "rho_float": float(rho), "reads": ends}


def _thresholded(plan: Plan, name: str) -> dict[str, Any]:
    """Return the facts of a table of which only cells that reach a threshold have a row."""
    interval = (
        "lo95 and hi95 hold the noise of a cell that was not picked, not clipping and not who is"
        " missing from the panel"
    )
    measurements, found = plan.of(name), _table(plan, name)
    worst = max(measurements, key=lambda one: one.law.sd)
    least, counts = threshold_facts(worst)["released_from"], found["counts"]
    return {
        **found,
        "released_from": least,
        "delta_per_date": str(max(one.cost.delta for one in measurements)),
        "delta_per_date_float": max(float(one.cost.delta) for one in measurements),
        "notes": [
            f"only cells whose noisy value is {least:g} {counts} or more have a row",
            ABSENT,
            interval,
        ],
    }


def _table(plan: Plan, name: str) -> dict[str, Any]:
    measurements = plan.of(name)
    worst = max(measurements, key=lambda one: one.law.sd)
    own = plan.at(worst)
    measured, factor = TABLES[name], worst.law.factor
    return {
        "table": worst.table,
        "summary": measured.summary,
        "counts": measured.counts,
        "source": measured.source,
        "parameters": worst.charge.detail["params"],
        "bounds": bounds_row(worst),
        "mechanism": worst.law.kind,
        "scale": worst.law.scale,
        "factor": factor,
        "sd": published_sds(own, world=plan.world)[0],
        **_price(own),
        "dates": len(measurements),
        **({"levels": _levels(own, world=plan.world)} if len(own) > 1 else {}),
        "notes": [
            f"value counts {measured.counts} after bounding: unbiased for the bounded panel count",
            "lo95 and hi95 hold the noise only, not clipping and not who is missing from the panel",
            "negative values are right: clamping them makes sums too large",
            *([_SHARED] if len(own) > 1 else []),
        ],
    }


def _levels(own: tuple[PlannedMeasurement, ...], *, world: World) -> list[dict[str, Any]]:
    """Return each level's own bounds, noise and price, and the sd once all are consistent."""
    return [
        {
            "level": one.level,
            "cells": one.keys.size,
            "bounds": bounds_row(one),
            "scale": one.law.scale,
            "noise_sd": one.law.sd,
            "consistent_sd": sd,
            "rho": str(one.cost.rho.value),
        }
        for one, sd in zip(own, published_sds(own, world=world), strict=True)
    ]
