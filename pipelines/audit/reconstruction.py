"""Reconstruction: can everybody's day be worked out from all released numbers together?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dp.audits.finding import Finding
from dp.audits.reconstruction import right_share
from dp.audits.scores import Pairs
from pipelines.audit._audit import Audit
from pipelines.audit._filter import CONFIDENCE
from pipelines.audit._hamlet import EXACT, ONE, OURS, Hamlet, fuller
from pipelines.audit._pairs import bar, mean_of, verdict_of_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pipelines.audit._stage import Stage
    from pipelines.progress import Progress

    Ints = NDArray[np.int64]

_PEOPLE = 60
_TARGETS = 3
_RUNS_A_HAMLET, _FEWEST, _MOST = 4_000, 6, 200
_RELEASES = (EXACT, ONE, OURS)
_SHARE = "share of people whose day is worked out"
_CHANCE = "chance that the target's day is worked out"


def _run(stage: Stage, progress: Progress) -> Iterator[Finding]:
    if stage.crowd is None:
        return
    hamlet, chance = Hamlet(stage=fuller(stage), people=_PEOPLE), stage.chance("hamlet")
    hamlets = min(max(stage.runs // _RUNS_A_HAMLET, _FEWEST), _MOST)
    shares: dict[str, list[float]] = {name: [] for name in (*_RELEASES, "guess")}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in _RELEASES}
    for number in range(hamlets):
        true = hamlet.drawn(chance)
        targets = chance.permutation(np.repeat(np.arange(true.size), true))[:_TARGETS]
        shares["guess"].append(right_share(hamlet.guess, true))
        for release in _RELEASES:
            guess = hamlet.attacked(true, release=release)
            shares[release].append(right_share(guess, true))
            given = np.mean([_hit(guess, true, target) for target in targets])
            without = np.mean([_without(hamlet, true, target, release) for target in targets])
            found[release].append((float(given), float(without)))
        progress.at("Reconstructing a hamlet", (number + 1) / hamlets)
    rho = float(
        sum(one.cost.rho.value for one in hamlet.stage.plan.measurements if not one.day.index)
    )
    for release in (OURS, EXACT, ONE):
        yield _of_target(release, np.array(found[release]), rho=rho)
    yield _of_everybody({name: np.array(values) for name, values in shares.items()}, hamlet)


def _hit(guess: Ints, true: Ints, target: int) -> bool:
    """Return whether the guess has as many people with the target's day as with the target."""
    return bool(guess[target] >= true[target])


def _without(hamlet: Hamlet, true: Ints, target: int, release: str) -> bool:
    """Return the same where the target's records are left out."""
    left = true.copy()
    left[target] -= 1
    return _hit(hamlet.attacked(left, release=release), true, target)


def _of_target(release: str, chances: NDArray[np.float64], *, rho: float) -> Finding:
    pairs, control = Pairs(given=chances[:, 0], without=chances[:, 1]), release != OURS
    return Finding(
        name=f"one of a hamlet, {release}",
        tried=f"{len(chances)} hamlets of {_PEOPLE} people, all tables of one date, by overnight"
        " zone too: does the guess have one more person with the target's day than the others"
        " account for?",
        figure=_CHANCE,
        with_person=mean_of(pairs.given),
        without_person=mean_of(pairs.without),
        bound=pairs.bound(rho),
        bound_of="what one date's rho allows, given the chance with the person left out",
        confidence=CONFIDENCE,
        verdict=verdict_of_pairs(pairs, rho, control=control),
        control=control,
        notes=(f"In minus out is {pairs.gap:.3f}, with a standard error of {pairs.gap_se:.3f}.",),
        figures={
            "hamlets": float(len(chances)),
            "rho": rho,
            "gap": pairs.gap,
            "gap_se": pairs.gap_se,
        },
    )


def _of_everybody(shares: dict[str, NDArray[np.float64]], hamlet: Hamlet) -> Finding:
    means = {name: mean_of(values) for name, values in shares.items()}
    return Finding(
        name="everybody of a hamlet",
        tried=f"Which of {len(hamlet.days)} public days each of {_PEOPLE} people had, from"
        f" {hamlet.columns.size} released numbers and the days' chances, by linear programming;"
        " left out: the best guess from the chances alone.",
        figure=_SHARE,
        with_person=means[OURS],
        without_person=means["guess"],
        bound=None,
        bound_of="the pairs above are bounded; of a whole hamlet nothing more is promised",
        confidence=CONFIDENCE,
        verdict="holds",
        figures={
            f"{name}, {kind}": value
            for name, one in means.items()
            for kind, value in (("mean", one.value), ("se", one.se))
        },
        rows=[
            bar(release, series, means[name], title=_SHARE)
            for release in _RELEASES
            for series, name in (("from the release", release), ("from priors alone", "guess"))
        ],
    )


AUDIT = Audit(
    name="reconstruction",
    title="Can a hamlet be worked out from all numbers?",
    summary="The attacker knows how many people live in a small place, what days they can have and"
    " how likely each is, and looks for the people who explain all released numbers best. Exact"
    " numbers give most of the hamlet away, numbers with a little noise nearly as much.",
    bound="For one person: with the records the chance is at most the least, over a > 1, of"
    " out^((a-1)/a) e^((a-1) rho), where out is the chance without them and rho what one date"
    " costs.",
    source="Linear reconstruction: Dinur and Nissim 2003 (PODS); Dwork, McSherry and Talwar 2007"
    " (STOC).",
    run=_run,
)
