"""The lower bound on a small stage: the product holds, and every planted fault is caught."""

from __future__ import annotations

import pytest

from dp.audits.finding import Finding
from pipelines.audit import audits
from pipelines.audit._stage import Stage
from pipelines.progress import Silent


@pytest.fixture(scope="module")
def findings(stage: Stage) -> dict[str, Finding]:
    return {one.name: one for one in audits()["lower-bound"].run(stage, Silent())}


def test_no_bound_is_broken(findings: dict[str, Finding]) -> None:
    tried = [one for one in findings.values() if "mu" in one.figures and not one.control]
    assert len(tried) == 3
    for one in tried:
        assert not one.alarming
        assert one.figures["mu_of_person"] <= one.figures["mu_claimed"]
        assert one.bound is not None
        assert one.figures["epsilon_of_person"] < one.bound


def test_the_person_at_epsilon_1_is_of_epsilon_1(findings: dict[str, Finding]) -> None:
    one = findings["one date at epsilon 1"]
    assert one.figures["epsilon_of_person"] == pytest.approx(1.0, abs=0.01)
    assert one.figures["mu"] == pytest.approx(one.figures["mu_of_person"], abs=0.3)
    assert one.bound == pytest.approx(1.08, abs=0.02)


def test_every_known_person_stays_within_what_the_ledger_books(
    findings: dict[str, Finding],
) -> None:
    one = findings["150 simulated persons, all dates"]
    assert one.verdict == "holds"
    assert 0.5 < one.with_person.value <= 1.0


@pytest.mark.parametrize(
    "control",
    [
        "noise for one event",
        "a person who is not bounded",
        "exact counts",
    ],
)
def test_a_wrong_release_is_caught_even_in_few_runs(
    findings: dict[str, Finding], control: str
) -> None:
    assert findings[control].verdict == "broken"
    assert not findings[control].blind
    assert not findings[control].alarming


def test_a_plot_has_rows_that_add_up(findings: dict[str, Finding]) -> None:
    for one in (found for found in findings.values() if found.rows):
        assert sum(float(row["with"]) for row in one.rows) == pytest.approx(1.0, abs=0.02)
