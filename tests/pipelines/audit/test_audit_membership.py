"""Membership on a small stage: within the cap as planned, beyond it where noise is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from dp.audits.finding import Finding
from pipelines.audit import audits
from pipelines.audit._groups import arena_of, likelihood_scores, sums_of
from pipelines.audit._stage import Stage
from pipelines.progress import Silent

AREA, HITS = "AUC", "true positives at 1% false positives"


@pytest.fixture(scope="module")
def findings(stage: Stage) -> list[Finding]:
    return list(audits()["membership"].run(stage, Silent()))


def test_groups_spans_and_attacks_are_all_tried(findings: list[Finding]) -> None:
    tried = [one for one in findings if not one.control]
    assert len(tried) == 3 * 2 * 2 * 2
    assert {one.figure for one in tried} == {AREA, HITS}


def test_no_area_passes_its_cap(findings: list[Finding]) -> None:
    for one in findings:
        if one.figure == AREA and not one.control:
            assert one.bound is not None
            assert one.with_person.value <= one.bound + 4 * one.with_person.se
            assert not one.alarming


def test_an_attacker_who_knows_the_population_does_better_than_chance(
    findings: list[Finding],
) -> None:
    known = [one for one in findings if "likelihood" in one.name and one.figure == AREA]
    assert all(one.with_person.value > 0.5 + 3 * one.with_person.se for one in known)


def test_wrong_noise_is_caught(findings: list[Finding]) -> None:
    controls = [one for one in findings if one.control]
    assert [one.verdict for one in controls] == ["broken", "broken"]


def test_with_and_without_differ_by_the_person_alone(stage: Stage) -> None:
    chance = stage.chance("a test")
    arena = arena_of(stage, chance, targets=5, repetitions=3)
    sums = sums_of(arena, chance, size=20)
    assert sums is not None
    scores = likelihood_scores(arena, sums, size=20)
    moved = scores.given - scores.without
    assert np.allclose(moved, moved[0])
    assert (moved > 0).all()


def test_groups_are_the_same_at_every_run_and_noise_is_not(stage: Stage) -> None:
    first, second = (
        arena_of(stage, stage.chance("same"), targets=5, repetitions=2) for _ in range(2)
    )
    assert (first.targets != second.targets).nnz == 0
    assert (first.noise != second.noise).any()
