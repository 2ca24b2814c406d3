"""The hamlet on a small stage: exact numbers give it away, a release leaves the priors' guess."""

from __future__ import annotations

import numpy as np
import pytest

from dp.audits.finding import Finding
from dp.audits.reconstruction import right_share
from pipelines.audit import audits
from pipelines.audit._hamlet import EXACT, OURS, Hamlet, fuller, histories
from pipelines.audit._plots import plot_of
from pipelines.audit._stage import Stage
from pipelines.progress import Silent


@pytest.fixture(scope="module")
def hamlet(stage: Stage) -> Hamlet:
    return Hamlet(stage=fuller(stage), people=40)


@pytest.fixture(scope="module")
def findings(stage: Stage) -> dict[str, Finding]:
    return {one.name: one for one in audits()["reconstruction"].run(stage, Silent())}


def test_the_public_days_differ_and_their_chances_sum_to_one() -> None:
    days = histories(4)
    assert len({(one.home, one.away) for one in days}) == len(days) == 184
    assert sum(one.prior for one in days) == pytest.approx(1.0)
    assert [days[0].at(3_600.0 * hour) for hour in (0, 12, 23)] == [0, 0, 0]
    worker = next(one for one in days if one.away)
    assert worker.at(3_600.0 * 4) != worker.home == worker.at(3_600.0 * 20)


def test_every_day_of_the_list_leaves_its_own_numbers(hamlet: Hamlet) -> None:
    """Contributions are the production path's; no two days may look alike in all tables."""
    rows = hamlet.adds.toarray()
    assert {"presence_by_overnight", "trips_per_person"} <= set(hamlet.stage.plan.tables)
    assert len({row.tobytes() for row in rows}) > 0.9 * len(rows)


def test_a_fuller_stage_costs_no_more_a_date(stage: Stage, hamlet: Hamlet) -> None:
    assert hamlet.stage.rho() <= stage.plan.policy.cap.rho
    assert float(hamlet.stage.rho()) == pytest.approx(float(stage.rho()), rel=1e-3)


def test_exact_numbers_give_more_away_than_priors(hamlet: Hamlet) -> None:
    chance = hamlet.stage.chance("a test")
    trues = [hamlet.drawn(chance) for _ in range(6)]
    shares = {
        release: np.mean(
            [right_share(hamlet.attacked(true, release=release), true) for true in trues]
        )
        for release in (EXACT, OURS)
    }
    guess = np.mean([right_share(hamlet.guess, true) for true in trues])
    assert shares[EXACT] > guess + 0.15
    # Sd of a mean of six is about 0.03, so five of them hold one error in a million.
    assert guess + 0.15 > shares[OURS]


def test_the_release_holds_and_exact_numbers_are_caught(findings: dict[str, Finding]) -> None:
    ours = findings[f"one of a hamlet, {OURS}"]
    assert not ours.control
    exact = findings[f"one of a hamlet, {EXACT}"]
    assert exact.control
    assert exact.verdict == "broken"
    assert plot_of(findings["everybody of a hamlet"].as_dict()).startswith("<svg")
