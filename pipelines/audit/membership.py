"""Membership: who sees a release and knows a person's days, can they tell that the person is in?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from dp.accounting import attack_bound
from dp.audits.finding import Finding, Measured, verdict_of
from dp.audits.membership import auc, auc_cap, certified_auc_cap, clustered, hits_at, hits_cap
from pipelines.audit._audit import Audit
from pipelines.audit._filter import CONFIDENCE, gaussian_noise
from pipelines.audit._groups import (
    Arena,
    Scores,
    arena_of,
    likelihood_scores,
    sums_of,
    zero_knowledge_scores,
)
from pipelines.audit._parts import Parts
from pipelines.audit._wrong import event_scope

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.audit._stage import Stage
    from pipelines.progress import Progress

Statistic = Callable[["NDArray[np.float64]", "NDArray[np.float64]"], float]
GROUPS = (100, 1_000, None)
"""Sizes of groups; None is everybody."""
_TARGETS, _TARGETS_TRAINED = 60, 20
_FEWEST, _RUNS_A_REPETITION = 24, 1_000
_MOST_DRAWS, _MOST_WEIGHTS = 20_000_000, 12_000_000
_FALSE_POSITIVES = 0.01
_POINTS = 60


def _run(stage: Stage, progress: Progress) -> Iterator[Finding]:
    spans = sorted({1, min(7, stage.dates), stage.dates})
    parts = Parts(progress, "Testing membership", [6.0, *([1.0] * len(spans) * len(GROUPS)), 3.0])
    chance = stage.chance("membership")
    arena = arena_of(stage, chance, targets=_targets(stage), repetitions=_repetitions(stage))
    parts.part().at("", 1.0)
    for dates in spans:
        part = _first(stage, arena, dates)
        for size in GROUPS:
            count = size or stage.size
            sums = sums_of(part, chance, size=size)
            name = f"{_group(size)}, {_span(dates)}"
            scores = likelihood_scores(part, sums, size=count - 1)
            yield from _judged(stage, scores, dates=dates, name=f"{name}: likelihood ratio")
            few = _few(part)
            trained = zero_knowledge_scores(few, sums, chance)
            yield from _judged(stage, trained, dates=dates, name=f"{name}: zero knowledge")
            parts.part().at("", 1.0)
    yield from _controls(stage)
    parts.part().at("", 1.0)


def _controls(stage: Stage) -> Iterator[Finding]:
    """Releases that are wrong on purpose, on a group of 100 over all dates."""
    chance = stage.chance("membership controls")
    event = stage.with_mechanisms(
        {i: event_scope(one) for i, one in enumerate(stage.layout.measurements)}
    )
    for name, wrong, exact in (
        ("noise for one event", event, False),
        ("exact counts", stage, True),
    ):
        arena = arena_of(wrong, chance, targets=_targets(stage), repetitions=_FEWEST, exact=exact)
        size = GROUPS[0]
        assert size is not None, "the smallest group has a size"
        scores = likelihood_scores(arena, sums_of(arena, chance, size=size), size=size - 1)
        yield from _judged(
            stage,
            scores,
            dates=stage.dates,
            name=f"{name}, {_group(size)}, {_span(stage.dates)}",
            control=True,
        )


def _judged(
    stage: Stage, scores: Scores, *, dates: int, name: str, control: bool = False
) -> Iterator[Finding]:
    """Yield the area under the curve and, but for controls, the hits at few false alarms."""
    rho = float(stage.rho(range(dates)))
    gaussian = gaussian_noise(stage, range(dates))
    area_cap = auc_cap(rho) if gaussian else certified_auc_cap(rho)
    area = _estimated(scores, auc)
    said = "in the Gaussian form" if gaussian else "as certified"
    tried = (
        f"{scores.given.size:,} answers on {scores.given.shape[1]} persons and"
        f" {scores.given.shape[0]} draws of noise: {name}."
    )
    yield Finding(
        name=name,
        tried=tried,
        figure="AUC",
        with_person=area,
        without_person=Measured(value=0.5),
        bound=area_cap,
        bound_of=f"what the loss over these dates allows any test, {said}; 0.5 is chance",
        confidence=CONFIDENCE,
        verdict=verdict_of(area, area_cap),
        control=control,
        figures={
            "answers": float(scores.given.size),
            "rho": rho,
            "cap_certified": certified_auc_cap(rho),
        },
        rows=_curve(scores, rho),
    )
    if control:
        return
    certified, normal = hits_cap(rho, _FALSE_POSITIVES)
    cap = normal if gaussian else certified
    hits = _estimated(scores, hits_at)
    yield Finding(
        name=name,
        tried=tried,
        figure="true positives at 1% false positives",
        with_person=hits,
        without_person=Measured(value=_FALSE_POSITIVES),
        bound=cap,
        bound_of=f"what the loss over these dates allows any test, {said}; 0.01 is chance",
        confidence=CONFIDENCE,
        verdict=verdict_of(hits, cap),
        figures={"rho": rho, "cap_certified": certified},
    )


def _estimated(scores: Scores, statistic: Statistic) -> Measured:
    """Return a statistic of all answers with the standard error over draws of noise and groups."""
    value = statistic(scores.without.ravel(), scores.given.ravel())
    rows = range(scores.given.shape[0])
    left_out = np.array(
        [
            statistic(
                np.delete(scores.without, row, axis=0).ravel(),
                np.delete(scores.given, row, axis=0).ravel(),
            )
            for row in rows
        ]
    )
    return Measured(value=value, se=clustered(left_out, value))


def _curve(scores: Scores, rho: float) -> list[dict[str, float]]:
    """Return the receiver operating characteristic and the certified bound on it."""
    rates = np.unique(np.concatenate([np.linspace(0.0, 1.0, _POINTS), [_FALSE_POSITIVES]]))
    cuts = np.quantile(scores.without, 1.0 - rates)
    hits = [float(np.mean(scores.given > cut)) for cut in cuts]
    caps = [attack_bound(float(rate), rho) for rate in rates]
    return [
        {
            "false_positives": round(float(rate), 4),
            "true_positives": round(hit, 4),
            "cap": round(cap, 4),
        }
        for rate, hit, cap in zip(rates, hits, caps, strict=True)
    ]


def _first(stage: Stage, arena: Arena, dates: int) -> Arena:
    """Return the arena of the first dates; the plan's measurements come by date."""
    whole = sum(one.day.index < dates for one in stage.layout.measurements)
    return arena.up_to(int(stage.layout.starts[whole]))


def _few(arena: Arena) -> Arena:
    return Arena(
        columns=arena.columns,
        targets=arena.targets[:_TARGETS_TRAINED],
        pool=arena.pool,
        total=arena.total,
        noise=arena.noise,
        sd=arena.sd,
    )


def _targets(stage: Stage) -> int:
    third: int = stage.vectors.shape[0] // 3
    return max(1, min(_TARGETS, third, _MOST_WEIGHTS // _cells(stage)))


def _repetitions(stage: Stage) -> int:
    wanted: int = min(stage.runs // _RUNS_A_REPETITION, _MOST_DRAWS // _cells(stage))
    return max(_FEWEST, wanted)


def _cells(stage: Stage) -> int:
    return max(1, int(np.unique(stage.vectors.indices).size))


def _group(size: int | None) -> str:
    return "everybody" if size is None else f"group of {size:,}"


def _span(dates: int) -> str:
    return {1: "one date", 7: "a week"}.get(dates, f"{dates} dates")


AUDIT = Audit(
    name="membership",
    title="Is this person in the data?",
    summary="The attacker knows everything that a person did and sees the noisy sums of a group."
    " One attack also knows what people do on average and how they differ; the other knows nothing"
    " else and learns from the release itself.",
    bound="A test's area under the curve is at most Phi(mu / sqrt 2), and its true positives stay"
    " below the curve that the loss allows (P_in).",
    source="Likelihood ratio on aggregates: Homer et al. 2008; Pyrgelis, Troncoso and De Cristofaro"
    " 2018 (arXiv 1708.06145). Zero knowledge: Guan, Guepin, Cretu and de Montjoye 2024 (PoPETs).",
    run=_run,
)
