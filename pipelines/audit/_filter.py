"""The matched filter over the production path: a statistic with and without one person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dp.accounting import epsilon, gaussian_mu, nearly_gaussian
from dp.accounting.events import Spend
from dp.audits.finding import Finding, Measured, Verdict
from dp.audits.lower_bound import (
    LowerBound,
    gaussian_epsilon,
    lower_bound,
    matched_filter,
)
from dp.loss import Loss
from pipelines.audit._stage import CHUNK_CELLS
from pipelines.release.figures import reporting_delta

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from pipelines.audit._stage import Stage
    from pipelines.progress import Progress

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

CONFIDENCE = 0.95
ALARM_CONFIDENCE = 0.999
"""With which a bound is called broken: of a thousand sound audits at most one would say so."""
_BINS = 48
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One person against one way of publishing.

    Attributes:
        stage: Where it happens; its mechanisms draw the noise.
        person: What the person adds, shape (columns,), lattice units.
        dates: The dates that are published.
        claim: What the ledger would say that the person loses over them.
        publish: Turns exact totals of some columns, shape (runs, columns), into what is published;
            None for the stage's own noise.
    """

    stage: Stage
    person: Ints
    dates: range
    claim: Loss
    publish: Callable[[Ints, Ints], Ints] | None = None

    @property
    def columns(self) -> Ints:
        """The cells that the person changes."""
        mine = self.stage.layout.columns(dates=self.dates)
        changed: Ints = mine[self.person[mine] != 0]
        return changed

    @property
    def delta(self) -> float:
        """The delta at which epsilon is stated."""
        return float(reporting_delta(self.stage.plan.policy.population) + self.claim.delta)


def claim_of(stage: Stage, dates: range) -> Loss:
    """Return what the ledger would book for these dates."""
    losses = [one.cost for one in stage.plan.measurements if one.day.index in dates]
    return sum(losses[1:], start=losses[0])


def worst_person(stage: Stage, dates: range) -> tuple[str, Ints]:
    """Return the adversarial person who stands out most from the noise of these dates."""
    worst = int(np.argmax(distances(stage, stage.shapes, dates)))
    return stage.shape_names[worst], stage.shapes[[worst]].toarray().ravel()


def distances(stage: Stage, people: csr_array, dates: range) -> Floats:
    """Return each person's squared distance in noise sds on these dates; shape (persons,)."""
    mine = stage.layout.columns(dates=dates)
    apart = people[:, mine].multiply(1.0 / stage.layout.sd[mine][None, :]).tocsr()
    found: Floats = np.asarray(apart.multiply(apart).sum(axis=1), dtype=np.float64).ravel()
    return found


def try_filter(
    trial: Trial, *, runs: int, progress: Progress, step: str
) -> tuple[Floats, Floats, float]:
    """Return the centred statistic of ``runs`` runs without and with the person, and its mu.

    Memory is bounded: runs are drawn a few million cells at a time.
    """
    columns = trial.columns
    weights, mu = matched_filter(trial.person[columns], trial.stage.layout.sd[columns])
    exact, found = trial.stage.total[columns], []
    publish = trial.publish or trial.stage.noisy
    batch = max(1, min(runs, CHUNK_CELLS // max(1, columns.size)))
    for n, times in enumerate((0, 1)):
        scores = np.empty(runs)
        for start in range(0, runs, batch):
            count = min(batch, runs - start)
            totals = np.broadcast_to(exact + times * trial.person[columns], (count, columns.size))
            published = publish(totals, columns)
            scores[start : start + count] = (published - exact) @ weights
            progress.at(step, (n + (start + count) / runs) / 2)
        found.append(scores)
    return found[0], found[1], mu


def judged(
    trial: Trial, *, name: str, tried: str, runs: int, progress: Progress, control: bool = False
) -> Finding:
    """Try the matched filter and return what it shows against the claim."""
    without, given, mu = try_filter(trial, runs=runs, progress=progress, step=name)
    half = mu * mu / 2.0
    shown, sure = (
        lower_bound(without, given, threshold=half, delta=trial.delta, confidence=confidence)
        for confidence in (CONFIDENCE, ALARM_CONFIDENCE)
    )
    claimed = epsilon(trial.claim, trial.delta)
    mu_claimed = gaussian_mu(trial.claim.rho)
    return Finding(
        name=name,
        tried=tried,
        figure=f"epsilon at delta {_said(trial.delta)}",
        with_person=Measured(
            value=max(gaussian_epsilon(max(0.0, shown.mu), trial.delta), shown.pure_epsilon_lo),
            lo=max(shown.epsilon_lo, shown.pure_epsilon_lo),
        ),
        bound=claimed,
        bound_of="what the ledger books for these dates, as epsilon",
        confidence=CONFIDENCE,
        verdict=_verdict(trial, shown, sure=sure),
        control=control,
        figures={
            "runs": float(runs),
            "mu": shown.mu,
            "mu_lo": shown.mu_lo,
            "mu_claimed": mu_claimed,
            "mu_of_person": mu,
            "epsilon_of_person": gaussian_epsilon(mu, trial.delta),
            "epsilon_lo": shown.epsilon_lo,
            "pure_epsilon_lo": shown.pure_epsilon_lo,
            "false_positives": shown.false_positives,
            "false_negatives": shown.false_negatives,
            "cells": float(trial.columns.size),
        },
        rows=histogram(without / max(mu, _ROUNDING), given / max(mu, _ROUNDING)),
    )


def gaussian_noise(stage: Stage, dates: range) -> bool:
    """Whether every cell of these dates has discrete Gaussian noise of 5 lattice steps or more."""
    return nearly_gaussian(
        Spend(
            table=one.table,
            reads=one.charge.reads,
            loss=one.cost,
            kind=one.law.kind,
            steps=one.law.scale,
        )
        for one in stage.plan.measurements
        if one.day.index in dates
    )


def histogram(without: Floats, given: Floats) -> list[dict[str, float]]:
    """Return two samples as shares in the same bins: score, without, with."""
    both = np.concatenate([without, given])
    low, high = (float(edge) for edge in np.quantile(both, [0.0005, 0.9995]))
    edges = np.linspace(low, high, _BINS + 1)
    if not edges[-1] > edges[0]:
        edges = np.linspace(edges[0] - 1.0, edges[0] + 1.0, _BINS + 1)
    shares = [np.histogram(one, edges)[0] / one.size for one in (without, given)]
    middle = (edges[1:] + edges[:-1]) / 2.0
    return [
        {"score": round(float(x), 4), "without": round(float(a), 6), "with": round(float(b), 6)}
        for x, a, b in zip(middle, *shares, strict=True)
    ]


def _said(delta: float) -> str:
    return f"{delta:g}".replace("e-0", "e-")


def _verdict(trial: Trial, shown: LowerBound, *, sure: LowerBound) -> Verdict:
    """Broken where a sure limit passes the claim, inconclusive where only the other does."""
    if _passes(trial, sure):
        return "broken"
    return "inconclusive" if _passes(trial, shown) else "holds"


def _passes(trial: Trial, limits: LowerBound) -> bool:
    """Whether a limit passes the claim; mu is a claim only where noise is nearly Gaussian."""
    mu_claimed = gaussian_mu(trial.claim.rho) * (1.0 + _ROUNDING)
    if limits.pure_epsilon_lo > epsilon(trial.claim, trial.delta):
        return True
    return limits.mu_lo > mu_claimed and gaussian_noise(trial.stage, trial.dates)
