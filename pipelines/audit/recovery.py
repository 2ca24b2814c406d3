"""Trajectory recovery: do counts of people give away where somebody went?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dp.audits.finding import Finding, Measured
from pipelines.audit._audit import Audit
from pipelines.audit._filter import CONFIDENCE
from pipelines.audit._pairs import bar, mean_of, verdict_of_pairs
from pipelines.audit._recovery import (
    ALL,
    COURIER,
    EXACT,
    GROUPS,
    OURS,
    OVER,
    TELLING,
    TYPICAL,
    UNUSUAL,
    Targets,
    Trial,
    shares_matched,
)
from pipelines.audit._walkers import TABLE, Walkers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dp.audits.scores import Pairs
    from pipelines.audit._stage import Stage
    from pipelines.progress import Progress

_PER_ZONE, _FEWEST, _MOST = 25, 200, 5_000
_RUNS_A_PAIR, _FEWEST_PAIRS, _MOST_PAIRS = 4_000, 6, 60
_DATES = 2
_RIGHT = "share of slots right"
_FIGURE = "share of telling slots right in the nearest recovered path"
_BOUND_OF = "what one date's rho of presence allows, given the share with the person left out"
_TRIED = {
    TYPICAL: "People at random among those who leave home; slots away from home.",
    UNUSUAL: "People whose moves at their times are shared by the fewest; slots away from home.",
    COURIER: "One person who is in another populous zone every bin of the night, when the town"
    " sleeps; slots at night.",
}
_Found = dict[tuple[str, str, str], "Pairs"]


def _run(stage: Stage, progress: Progress) -> Iterator[Finding]:
    if stage.crowd is None or TABLE not in stage.plan.tables:
        return
    zones = len(stage.plan.world.zones)
    pairs = min(max(stage.runs // _RUNS_A_PAIR, _FEWEST_PAIRS), _MOST_PAIRS)
    walkers = Walkers(
        stage=stage,
        count=min(max(_PER_ZONE * zones, _FEWEST), max(stage.size, _FEWEST), _MOST),
        couriers=2 * pairs,
        dates=min(_DATES, stage.dates),
    )
    chance = stage.chance("recovery")
    trial = Trial(targets=Targets.of(walkers, chance), chance=chance)
    found = trial.run(pairs, lambda share: progress.at("Recovering paths", 0.9 * share))
    own = [stage.plan.at(one) for one in stage.plan.of(TABLE)]
    rho = max(sum(float(level.cost.rho) for level in levels) for levels in own)
    for group in GROUPS:
        yield _finding(group, OURS, found, rho=rho)
    for release in (EXACT, OVER):
        yield _finding(COURIER, release, found, rho=rho)
    yield _regularity(walkers)
    progress.at("Recovering paths", 1.0)


def _finding(group: str, release: str, found: _Found, *, rho: float) -> Finding:
    """Return one group's pair (in, out), beside those on other releases and in all slots."""
    pairs = found[release, group, TELLING]
    control = release != OURS
    figures: dict[str, float] = {"pairs_of_runs": float(pairs.given.size), "rho": rho}
    for slots in (TELLING, ALL):
        for name in (EXACT, OVER, OURS):
            one = found[name, group, slots]
            figures |= {
                f"in, {name}, {slots}": float(one.given.mean()),
                f"out, {name}, {slots}": float(one.without.mean()),
                f"gap, {name}, {slots}": one.gap,
                f"standard error of the gap, {name}, {slots}": one.gap_se,
            }
    return Finding(
        name=f"{group}, {release}" if control else group,
        tried=_TRIED[group],
        figure=_FIGURE,
        with_person=mean_of(pairs.given),
        without_person=mean_of(pairs.without),
        bound=pairs.bound(rho),
        bound_of=_BOUND_OF,
        confidence=CONFIDENCE,
        verdict=verdict_of_pairs(pairs, rho, control=control),
        control=control,
        notes=(f"In minus out is {pairs.gap:.3f}, with a standard error of {pairs.gap_se:.3f}.",),
        figures=figures,
        rows=() if control else _rows(group, found),
    )


def _regularity(walkers: Walkers) -> Finding:
    """How much of the published score needs nobody's records: four sources that hold none."""
    shares = shares_matched(walkers)
    own, others = shares[OURS][0], shares["this release of other people"][0]
    return Finding(
        name="paths of everybody",
        tried="All slots, after the best one-to-one matching of recovered and true paths: the"
        " published score. Half of the people are in the counts, the other half stand in for them.",
        figure="share of slots right after a best matching",
        with_person=Measured(value=own),
        without_person=Measured(value=others),
        bound=None,
        bound_of="this score is mostly regularity, which no release can hide",
        confidence=CONFIDENCE,
        verdict="holds",
        notes=(_said(shares),),
        figures={
            f"{name}, {slots}": value
            for name, both in shares.items()
            for slots, value in zip(("all slots", "away from home"), both, strict=True)
        },
        rows=[
            bar(name, slots, Measured(value=value), title=_RIGHT)
            for name, both in shares.items()
            for slots, value in zip(("all slots", "away from home"), both, strict=True)
        ],
    )


def _said(shares: Mapping[str, tuple[float, float]]) -> str:
    others, stay = shares["exact counts of other people"][0], shares["everybody stays at home"][0]
    return (
        f"Exact counts of these people score {shares[EXACT][0]:.2f}, those of other people"
        f" {others:.2f}, and everybody staying at home {stay:.2f}: the score says little about what"
        " records give away. The pairs above do."
    )


def _rows(group: str, found: _Found) -> list[Mapping[str, float | str]]:
    return [
        bar(release, series, mean_of(values), title=_RIGHT)
        for release in (EXACT, OVER, OURS)
        for series, values in (
            ("in the records", found[release, group, TELLING].given),
            ("left out", found[release, group, TELLING].without),
        )
    ]


AUDIT = Audit(
    name="recovery",
    title="Can paths be recovered from counts?",
    summary="The attack follows people from slot to slot at the least total movement and joins"
    " their days by the places they keep to. It is scored on people whose records were used and on"
    " the same people left out; only the difference can come from their records. Exact counts, and"
    " counts from which only small ones are left out, give a courier away.",
    bound="With the person's records the mean score is at most the least, over a > 1, of"
    " out^((a-1)/a) e^((a-1) rho), where out is the mean score without them and rho what one date"
    " of presence costs. Half the noise would go unseen here: the lower bound sees it.",
    source="Xu, Tu, Li, Zhang, Fu and Jin 2017 (WWW, arXiv 1702.06270), with each assignment solved"
    " as transport between counts; controls and pairs (in, out) are ours.",
    run=_run,
)
