"""Whole releases of simulated people: the folder holds the planned noise, and no trace is left."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from pipelines.audit import audits
from pipelines.audit._stage import Stage
from pipelines.audit.whole_release import _missing_noise
from pipelines.progress import Silent


@pytest.mark.parametrize(
    ("times", "verdict"), [(1.0, "holds"), (1.1, "holds"), (0.9, "broken"), (0.5, "broken")]
)
def test_only_noise_that_is_missing_is_broken(times: float, verdict: str) -> None:
    noise = np.random.default_rng(1).normal(0.0, times, 20_000)
    found = _missing_noise(noise, releases=6, people=200, shape="hermit")
    assert found.verdict == verdict
    assert found.with_person.value == pytest.approx(1 - times**2, abs=0.05)


def test_two_whole_releases_carry_the_planned_noise(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MURMURATION_ANCHORS", "kept")
    (found,) = audits()["whole-release"].run(stage, Silent())
    assert found.figures["releases"] == 2
    assert abs(found.with_person.value) < 5 * found.with_person.se
    assert abs(found.figures["mean_of_noise_in_sds"]) < 5 / found.figures["cells"] ** 0.5
    assert found.figures["largest_in_sds"] < 7
    assert os.environ["MURMURATION_ANCHORS"] == "kept"
    assert not list((stage.work / "door").iterdir())


def test_own_records_are_never_released(stage: Stage) -> None:
    assert list(audits()["whole-release"].run(replace(stage, crowd=None), Silent())) == []
