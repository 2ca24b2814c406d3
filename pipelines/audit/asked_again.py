"""Asking again: does a second answer over the same date give more away than is paid for?"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from dp.audits.finding import Finding, Measured
from pipelines.audit._asked_again import CHARGED, LEAKED, REFUSED, SAME, redrawn, series
from pipelines.audit._audit import Audit
from pipelines.audit._differences import Differences
from pipelines.audit._filter import CONFIDENCE
from pipelines.audit._pairs import bar, mean_of, verdict_of_pairs
from pipelines.audit._recovery import EXACT, OURS, OVER
from pipelines.audit._walkers import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dp.audits.scores import Pairs
    from pipelines.audit._stage import Stage
    from pipelines.progress import Progress

_REPLAYS, _RUNS_A_REPLAY = 50, 2_000
_PEOPLE, _RECORDED = 900, 60
_RUNS_A_TARGET, _FEWEST, _MOST = 500, 20, 400
_ROUNDING = 1e-9
_DROPPED = "one person dropped"
_REDRAWN = "a zone redrawn around a home"


def _run(stage: Stage, progress: Progress) -> Iterator[Finding]:
    if stage.crowd is None:
        return
    replays = max(2, min(_REPLAYS, stage.runs // _RUNS_A_REPLAY))
    yield _accounted(stage, replays, lambda share: progress.at("Asking again", 0.8 * share))
    if TABLE in stage.plan.tables:
        yield _averaged(stage)
        targets = min(max(stage.runs // _RUNS_A_TARGET, _FEWEST), _MOST)
        people = max(min(_PEOPLE, stage.size), targets)
        differences = Differences(stage=stage, people=people, targets=targets)
        rho = max(float(one.cost.rho) for one in stage.plan.of(TABLE))
        yield from _pairs(_DROPPED, differences.dropped, rho=rho)
        yield from _pairs(_REDRAWN, differences.cut_off, rho=2 * rho)
    progress.at("Asking again", 1.0)


def _accounted(stage: Stage, replays: int, told: Callable[[float], None]) -> Finding:
    """Ask through the door in every way, and count answers that nobody paid for."""
    answers, steps = [], replays + 7
    with series(stage, people=_RECORDED, name="restated") as one:
        answers.append(("a release", CHARGED, one.ask()))
        for number in range(replays):
            answers.append(("the same release again", SAME, one.ask()))
            told((number + 1) / steps)
        one.drop_a_person()
        answers.append(("the same after one person was dropped", SAME, one.ask()))
        restated = [dataclasses.replace(one.spec, issue=issue) for issue in (1, 2)]
        answers.append(("a restatement", CHARGED, one.ask(restated[0])))
        answers.append(("one more than the window can pay for", REFUSED, one.ask(restated[1])))
        told((replays + 4) / steps)
    with series(stage, people=_RECORDED, name="redrawn") as one:
        answers.append(("a release", CHARGED, one.ask()))
        answers.append(("zones redrawn", CHARGED, one.ask(redrawn(one.spec, stage, number=0))))
        answers.append(
            ("zones redrawn again", REFUSED, one.ask(redrawn(one.spec, stage, number=2)))
        )
        told_apart = len(set(one.epochs)) == len(one.epochs)
    wrong = [f"{name}: {was}, not {due}" for name, due, was in answers if was != due]
    wrong += [] if told_apart else ["redrawn zones: the manifest tells no other epoch"]
    return Finding(
        name="answers that nobody paid for",
        tried=f"Through ledgers that can pay for one date twice: {replays} times the same, once"
        " more after one person was dropped, as a restatement, with zones redrawn. Each answer must"
        " be the stored bytes, charged in full, or refused; redrawn zones are another epoch.",
        figure="answers that are neither the stored bytes, nor charged, nor refused",
        with_person=Measured(value=float(len(wrong))),
        bound=0.0,
        bound_of="every answer is the stored bytes, charged, or refused",
        confidence=CONFIDENCE,
        verdict="broken" if wrong else "holds",
        notes=tuple(wrong)
        or tuple(f"{name.capitalize()}: {due}." for name, due, _ in answers[-7:]),
        figures={
            word: float(sum(was == word for _, _, was in answers))
            for word in (SAME, CHARGED, REFUSED, LEAKED)
        },
    )


def _averaged(stage: Stage) -> Finding:
    """How much noise the mean of many answers loses where no ledger keeps the first one."""
    columns = stage.layout.columns(dates=range(1), table=TABLE)
    columns = columns[np.isfinite(stage.layout.sd[columns])]
    exact = stage.total[columns]
    fresh = stage.noisy(np.broadcast_to(exact, (_REPLAYS, columns.size)), columns)
    left, single = fresh.mean(axis=0) - exact, fresh[0] - exact
    gone = 1.0 - float(np.sqrt(np.mean(left**2) / np.mean(single.astype(np.float64) ** 2)))
    return Finding(
        name=f"{_REPLAYS} answers with new noise each",
        tried=f"Presence of one date is asked for {_REPLAYS} times and no ledger keeps the first"
        " answer: how much noise does the mean lose?",
        figure="part of the noise that averaging takes away",
        with_person=Measured(value=gone),
        bound=0.0,
        bound_of="an answer that is stored cannot be averaged",
        confidence=CONFIDENCE,
        verdict="broken" if gone > _ROUNDING else "holds",
        control=True,
    )


def _pairs(name: str, attack: Callable[[str], Pairs], *, rho: float) -> Iterator[Finding]:
    found = {release: attack(release) for release in (EXACT, OVER, OURS)}
    for release in (OURS, EXACT, OVER):
        pairs, control = found[release], release != OURS
        yield Finding(
            name=f"{name}, {release}" if control else name,
            tried=_TRIED[name],
            figure=_FIGURES[name],
            with_person=mean_of(pairs.given),
            without_person=mean_of(pairs.without),
            bound=pairs.bound(rho),
            bound_of=_BOUNDS[name],
            confidence=CONFIDENCE,
            verdict=verdict_of_pairs(pairs, rho, control=control),
            control=control,
            notes=(
                f"In minus out is {pairs.gap:.3f}, with a standard error of {pairs.gap_se:.3f}.",
            ),
            figures={"targets": float(pairs.given.size), "rho": rho},
            rows=()
            if control
            else [
                bar(kind, series_, mean_of(values), title=_FIGURES[name])
                for kind, one in found.items()
                for series_, values in (("in the records", one.given), ("left out", one.without))
            ],
        )


_TRIED = {
    _DROPPED: "Presence of one date twice, under two ledgers, the second time without one person:"
    " the largest difference of a slot names the zone.",
    _REDRAWN: "Presence of one date twice, the second time with a zone drawn without a sliver in"
    " which the target alone lives: is somebody there?",
}
_FIGURES = {
    _DROPPED: "share of slots in which the difference names the person's zone",
    _REDRAWN: "chance that somebody is seen in the sliver",
}
_BOUNDS = {
    _DROPPED: "what one date's rho of presence allows: the person is in one answer",
    _REDRAWN: "what twice one date's rho of presence allows: the person is in both answers, and"
    " both are charged",
}

AUDIT = Audit(
    name="asked-again",
    title="Does asking again give more away?",
    summary="Answers over the same date can be averaged, or subtracted from each other: with one"
    " person dropped, with zones redrawn, as a restatement. A system that leaves small counts out"
    " and keeps no ledger answers them all, and each difference is a person. Here the same question"
    " gets the stored bytes, and another one is charged or refused.",
    bound="No answer goes unpaid. Two answers that are paid for give away at most what their"
    " charges allow, by the rule of the other audits.",
    source="Differencing of counts: Dinur and Nissim 2003 (PODS); FlowKit's open report of it in a"
    " system that leaves out counts up to 15 (its #5258).",
    run=_run,
)
