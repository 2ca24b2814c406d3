"""``murmuration audit`` as a user runs it: results, page, exit codes, nothing charged or left."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dp.audits.finding import Finding, Measured
from pipelines import audit as registry
from pipelines.audit import Audit
from pipelines.audit._stage import Stage
from pipelines.cli.app import app

Run = Callable[..., str]


def run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["audit", *words])
    assert done.exit_code == code, done.output
    return done.output


def finding(**changes: Any) -> Finding:
    facts: dict[str, Any] = {
        "name": "a trial",
        "tried": "Something.",
        "figure": "AUC",
        "with_person": Measured(value=0.6, lo=0.58, hi=0.62),
        "bound": 0.7,
        "bound_of": "the loss",
        "confidence": 0.95,
        "verdict": "holds",
        "rows": [{"false_positives": 0.0, "true_positives": 0.1, "cap": 0.2}] * 2,
    }
    return Finding(**(facts | changes))


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Finding], None]:
    """Put one audit of a known finding in the place of all."""

    def plant(found: Finding) -> None:
        one = Audit(
            name="planted",
            title="Planted <audit>",
            summary="A summary.",
            bound="A bound.",
            source="Nobody 2026.",
            run=lambda _stage, _progress: [found],
        )
        monkeypatch.setattr("pipelines.audit._results.audits", lambda: {"planted": one})

    return plant


SMALL = ("--people", "200", "--runs", "400", "--dates", "1")


@pytest.fixture
def small(
    planted: Callable[[Finding], None],
    stage: Stage,
    spec_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., str]:
    def go(found: Finding, *words: str, code: int = 0) -> str:
        planted(found)
        monkeypatch.setattr("pipelines.audit._build.simulated_stage", lambda *_, **__: stage)
        return run(str(spec_file), *SMALL, "--out", str(tmp_path / "out"), *words, code=code)

    return go


def test_a_sound_audit_writes_results_page_and_plots(
    small: Callable[..., str], tmp_path: Path
) -> None:
    text = small(finding())
    assert "every bound holds" in text
    content = json.loads((tmp_path / "out" / "audit.json").read_text("utf-8"))
    assert content["audited"]["simulated"] is True
    assert content["audits"][0]["findings"][0]["verdict"] == "holds"
    page = (tmp_path / "out" / "audit.html").read_text("utf-8")
    assert "Planted &lt;audit&gt;" in page
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    plots = list((tmp_path / "out" / "plots").glob("*.svg"))
    assert [path.name for path in plots] == ["planted-a-trial.svg"]
    ET.fromstring(plots[0].read_text("utf-8"))
    assert "var(" not in plots[0].read_text("utf-8")


def test_nothing_simulated_is_left_behind_and_nothing_charged(
    planted: Callable[[Finding], None], spec_file: Path, tmp_path: Path
) -> None:
    planted(finding())
    run(str(spec_file), *SMALL, "--out", str(tmp_path / "out"))
    left = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert left == ["audit.html", "audit.json", "plots"]
    assert not list(spec_file.parent.glob("*.ledger"))


def test_a_broken_bound_is_exit_code_7(small: Callable[..., str], tmp_path: Path) -> None:
    text = small(finding(verdict="broken"), code=7)
    assert "do not release" in text
    page = (tmp_path / "out" / "audit.html").read_text("utf-8")
    assert "A bound is broken" in page


def test_a_control_that_is_caught_is_sound_and_one_unseen_is_said(
    small: Callable[..., str],
) -> None:
    assert "every bound holds" in small(finding(control=True, verdict="broken"))
    assert "a control was not caught" in small(finding(control=True))


def test_json_for_scripts_is_all_that_is_printed(small: Callable[..., str]) -> None:
    text = small(finding(), "--json")
    start = text.index("{")
    assert json.loads(text[start : text.rindex("}") + 1])["broken"] is False


def test_an_unknown_audit_is_named_with_those_there_are() -> None:
    text = run("--only", "lower-bond", code=2)
    assert "lower-bound" in " ".join(text.split())


def test_own_records_are_not_printed(spec_file: Path) -> None:
    assert "work/" in run(str(spec_file), "--on-my-data", "--json", code=2)
    assert "needs a SPEC" in run("--on-my-data", code=2)


def test_every_declared_audit_can_be_named() -> None:
    assert set(registry.audits()) >= {"lower-bound"}
