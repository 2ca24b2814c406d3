"""Lower bound on mu and epsilon: does the release lose less than the ledger says, as it should?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from dp.audits.finding import Finding, Measured
from dp.audits.lower_bound import gaussian_mu_of
from dp.loss import Loss, Rho
from dp.mechanisms import gaussian, laplace
from pipelines.audit._audit import Audit
from pipelines.audit._filter import (
    Trial,
    claim_of,
    distances,
    gaussian_noise,
    judged,
    worst_person,
)
from pipelines.audit._parts import Parts
from pipelines.audit._wrong import event_scope, half_noise
from pipelines.release.figures import reporting_delta

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dp.mechanisms import Mechanism
    from pipelines.audit._stage import Stage
    from pipelines.progress import Progress
    from pipelines.release.model import PlannedMeasurement

_FIRST = range(1)
_FEWEST = 400
_CONTROL_SHARE = 20
_SHOWN = 4_000
"""Runs that show an epsilon of 5 where nothing is drawn: they cost no noise."""
_SUPPRESSED = 15


def _run(stage: Stage, progress: Progress) -> Iterator[Finding]:
    spans = sorted({1, min(7, stage.dates), stage.dates})
    share = 1.0 / _CONTROL_SHARE
    weights = [1.0, *([0.5] * len(spans)), share, *([share] * 5)]
    parts = Parts(progress, "Measuring the least loss", weights)
    yield _at_epsilon_1(stage, parts.part())
    for dates in spans:
        yield _as_planned(stage, range(dates), parts.part())
    yield _persons(stage, parts.part())
    yield from _controls(stage, parts)


def _at_epsilon_1(stage: Stage, progress: Progress) -> Finding:
    """Audit one date whose budget is such that Gaussian noise of it is of epsilon 1 exactly."""
    delta = float(reporting_delta(stage.plan.policy.population))
    wanted = Fraction(gaussian_mu_of(1.0, delta) ** 2 / 2.0).limit_denominator(10**6)
    ratio = wanted / claim_of(stage, _FIRST).rho.value
    changed = {
        i: _remade(one, Rho(one.allotted.value * ratio))
        for i, one in enumerate(stage.layout.measurements)
        if one.day.index in _FIRST
    }
    tuned = stage.with_mechanisms(changed)
    claim = Loss(Rho(sum((m.cost.rho.value for m in changed.values()), start=Fraction(0))))
    shape, person = worst_person(tuned, _FIRST)
    trial = Trial(stage=tuned, person=person, dates=_FIRST, claim=claim)
    said = f"One date with the budget of true epsilon 1: is the {shape} person in or out?"
    return judged(
        trial, name="one date at epsilon 1", tried=said, runs=stage.runs, progress=progress
    )


def _as_planned(stage: Stage, dates: range, progress: Progress) -> Finding:
    shape, person = worst_person(stage, dates)
    trial = Trial(stage=stage, person=person, dates=dates, claim=claim_of(stage, dates))
    span = _span(dates)
    said = f"{span.capitalize()} as planned: is the {shape} person in or out?"
    runs = max(_FEWEST, stage.runs // (2 * len(dates)))
    return judged(trial, name=f"{span} as planned", tried=said, runs=runs, progress=progress)


def _persons(stage: Stage, progress: Progress) -> Finding:
    """Judge, without any chance, how far each known person stands out from the planned noise."""
    apart = distances(stage, stage.vectors, range(stage.dates))
    progress.at("", 1.0)
    share = float(apart.max(initial=0.0)) / (2.0 * float(stage.rho()))
    count, who = len(apart), "simulated" if stage.crowd is not None else "recorded"
    return Finding(
        name=f"{count:,} {who} persons, all dates",
        tried=f"Each of {count:,} {who} persons is taken through the bounds alone: how far can any"
        " of them be told from the noise?",
        figure="squared distance from the noise, as a part of what the ledger books",
        with_person=Measured(value=share, lo=share, hi=share),
        without_person=Measured(value=0.0),
        bound=1.0,
        bound_of="all of it: v' Sigma^-1 v is at most 2 rho for Gaussian noise",
        confidence=1.0,
        verdict="broken" if share > 1.0 and gaussian_noise(stage, range(stage.dates)) else "holds",
        figures={"persons": float(count)},
    )


def _controls(stage: Stage, parts: Parts) -> Iterator[Finding]:
    """Releases that are wrong on purpose: an audit that does not see them is worth nothing."""
    dates = range(stage.dates)
    shape, person = worst_person(stage, dates)
    claim = claim_of(stage, dates)
    runs = max(_FEWEST, stage.runs // (_CONTROL_SHARE * stage.dates))

    def wrong(name: str, tried: str, trial: Trial) -> Finding:
        told, count = parts.part(), runs if trial.publish is None else max(runs, _SHOWN)
        return judged(trial, name=name, tried=tried, runs=count, progress=told, control=True)

    halved = stage.with_mechanisms(_for_each(stage, half_noise))
    yield wrong(
        "half the noise",
        f"The noise has half its scale; the {shape} person is as bounded.",
        Trial(stage=halved, person=person, dates=dates, claim=claim),
    )
    event = stage.with_mechanisms(_for_each(stage, event_scope))
    yield wrong(
        "noise for one event",
        "The noise is scaled to hide one event instead of all that a person did.",
        Trial(stage=event, person=person, dates=dates, claim=claim),
    )
    yield wrong(
        "a person who is not bounded",
        "The noise is as planned, but what the busiest person adds is not bounded.",
        Trial(stage=stage, person=_largest(stage), dates=dates, claim=claim),
    )
    yield wrong(
        "exact counts",
        "Counts are published as they are.",
        Trial(stage=stage, person=person, dates=dates, claim=claim, publish=_exactly),
    )
    yield wrong(
        f"suppression of counts up to {_SUPPRESSED}",
        f"Counts above {_SUPPRESSED} are published as they are, smaller ones are left out.",
        Trial(stage=stage, person=person, dates=dates, claim=claim, publish=_suppressed(stage)),
    )


def _remade(one: PlannedMeasurement, allotted: Rho) -> Mechanism:
    make = laplace if one.law.kind == "discrete_laplace" else gaussian
    return make(one.bounds, allotted, one.law.factor)


def _for_each(
    stage: Stage, change: Callable[[PlannedMeasurement], Mechanism]
) -> dict[int, Mechanism]:
    return {i: change(one) for i, one in enumerate(stage.layout.measurements)}


def _largest(stage: Stage) -> NDArray[np.int64]:
    """Return what the adversarial person adds who gains most from not being bounded."""
    worst = int(np.argmax(distances(stage, stage.raw_shapes, range(stage.dates))))
    row: NDArray[np.int64] = stage.raw_shapes[[worst]].toarray().ravel()
    return row


def _exactly(totals: NDArray[np.int64], _columns: NDArray[np.int64]) -> NDArray[np.int64]:
    return totals


def _suppressed(
    stage: Stage,
) -> Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]]:
    def publish(totals: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where(totals > _SUPPRESSED * stage.layout.factor[columns], totals, 0)

    return publish


def _span(dates: range) -> str:
    return {1: "one date", 7: "a week"}.get(len(dates), f"{len(dates)} dates")


AUDIT = Audit(
    name="lower-bound",
    title="How much is lost, at least",
    summary="The strongest attack there is: it knows everything about everyone but whether one"
    " person, made to stand out as much as the bounds allow, is in the records. How often it is"
    " right shows how much privacy is lost at least; the ledger says how much at most.",
    bound="The lower limit stays below the ledger's epsilon for the same dates.",
    source="Matched filter for Gaussian DP (Dong, Roth and Su 2022, arXiv 1905.02383); auditing by"
    " hypothesis tests (Jagielski et al. 2020, arXiv 2006.07709; Nasr et al. 2023, arXiv"
    " 2302.07956).",
    run=_run,
    own_records=True,
)
