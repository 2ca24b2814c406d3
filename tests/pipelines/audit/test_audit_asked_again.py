"""Asking again on a small stage: stored, charged or refused; and what differences give away."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import pytest

from dp.audits.finding import Finding
from dp.audits.scores import Pairs
from pipelines.audit import _asked_again as again
from pipelines.audit import audits
from pipelines.audit._differences import Differences
from pipelines.audit._plots import plot_of
from pipelines.audit._recovery import EXACT, OURS, OVER
from pipelines.audit._stage import Stage
from pipelines.progress import Silent
from pipelines.release.model import Plan


@pytest.fixture(scope="module")
def findings(stage: Stage) -> list[Finding]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _handle: None)
        return list(audits()["asked-again"].run(stage, Silent()))


@pytest.fixture(scope="module")
def differences(stage: Stage) -> Differences:
    return Differences(stage=stage, people=200, targets=30)


def test_every_answer_is_stored_charged_or_refused(findings: list[Finding]) -> None:
    first = findings[0]
    assert first.verdict == "holds", first.notes
    assert first.figures[again.SAME] >= 3
    assert first.figures[again.CHARGED] == 4
    assert first.figures[again.REFUSED] == 2
    assert first.figures[again.LEAKED] == 0


def test_releases_without_noise_or_ledger_are_caught(findings: list[Finding]) -> None:
    assert len([one for one in findings if one.control]) == 5
    assert not any(one.blind for one in findings)
    plots = [plot_of(one.as_dict()) for one in findings if one.rows]
    assert len(plots) == 2
    assert all(plot.startswith("<svg") for plot in plots)


def test_nothing_of_a_series_is_left_behind(stage: Stage, findings: list[Finding]) -> None:
    assert findings
    assert not list((stage.work / "door").glob("*"))


@pytest.mark.parametrize("plant", ["new bytes", "no charge"])
def test_an_answer_that_nobody_paid_for_is_seen(
    plant: str, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _handle: None)
    true = again.release

    def planted(planned: Plan) -> Path:
        folder = true(planned)
        (folder / "README.md").write_text(str(os.urandom(8)), encoding="utf-8")
        return folder

    with again.series(stage, people=40, name="planted") as one:
        assert one.ask() == again.CHARGED
        if plant == "new bytes":
            monkeypatch.setattr(again, "release", planted)
            assert one.ask() == again.LEAKED
        else:
            kept = one.spec.series.ledger.parent / "kept"
            shutil.copytree(one.folder or kept, kept)
            monkeypatch.setattr(again, "release", lambda _planned: kept)
            (kept / "README.md").write_text("another answer", encoding="utf-8")
            assert one.ask(dataclasses.replace(one.spec, issue=1)) == again.LEAKED


def test_zones_are_redrawn_where_the_results_go_to_a_relative_folder(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _handle: None)
    monkeypatch.chdir(tmp_path)
    near = dataclasses.replace(stage, work=Path(os.path.relpath(stage.work)))
    with again.series(near, people=40, name="near") as one:
        assert one.ask(again.redrawn(one.spec, near, number=0)) == again.CHARGED


@pytest.mark.parametrize("attack", ["dropped", "cut_off"])
def test_differences_give_a_person_away_without_noise_alone(
    attack: str, differences: Differences
) -> None:
    found: dict[str, Pairs] = {
        release: getattr(differences, attack)(release) for release in (EXACT, OVER, OURS)
    }
    assert found[EXACT].given.mean() > 0.97
    assert found[EXACT].without.mean() == 0.0
    assert found[OVER].gap > 0.3
    # In and out differ by the noise alone: sd of the gap is at most 0.13, and 5 of them are 0.65.
    assert found[OURS].gap < 0.65
    assert found[OURS].without.mean() > 0.0
