"""Audits of the custodian's own records: the release's own path, and nothing leaves ``work/``."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from pipelines.audit._build import Size
from pipelines.audit._own import own_plan, own_stage
from pipelines.audit._own_jobs import OwnJobs
from pipelines.audit._stage import Stage
from pipelines.cli.app import app
from pipelines.progress import Silent
from pipelines.spec import load_spec
from pipelines.twin import CityFiles, CitySettings, make_city


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> CityFiles:
    """Return a town with pings, check-ins, second phones, exclusions, and tables at levels."""
    folder = tmp_path_factory.mktemp("town")
    settings = CitySettings(zones=6, two_device_share=0.3, opt_out_share=0.1, checkin_share=0.3)
    start = dt.date(2026, 3, 2)
    made = make_city(folder, people=80, days=2, start=start, seed=1, settings=settings)
    text = made.spec.read_text(encoding="utf-8")
    for name in ("visits", "presence"):
        text = text.replace(f'table = "{name}"', f'table = "{name}"\nlevels = true')
    made.spec.write_text(text, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def own(town: CityFiles, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    size = Size(runs=400, seed=3)
    work = tmp_path_factory.mktemp("own") / "work"
    return own_stage(load_spec(town.spec), work=work, size=size, progress=Silent())


def test_a_person_among_the_records_moves_them_by_what_the_person_adds_alone(
    own: Stage, town: CityFiles, tmp_path: Path
) -> None:
    plan = own_plan(load_spec(town.spec), dates=None)
    jobs = OwnJobs(plan=plan, layout=own.layout, secret=bytes(32), work=tmp_path / "made")
    apart = ((own.shapes.toarray() / own.layout.sd) ** 2).sum(axis=1)
    worst = int(np.argmax(apart))  # the one that was put among the records
    alone = jobs.alone(own.shape_names[worst])
    assert np.array_equal(own.shapes[[worst]].toarray().ravel(), alone)


def test_leaving_a_person_out_takes_away_no_more_than_the_bounds(own: Stage) -> None:
    people = own.vectors.toarray()
    assert people.shape[0] == 6
    assert (people >= 0).all()
    assert people.any(axis=1).sum() >= 4, "some of these people are on the list of exclusions"
    distances = ((people / own.layout.sd) ** 2).sum(axis=1)
    assert distances.max() <= 2 * float(own.rho())


def test_the_records_are_those_of_the_release(own: Stage, town: CityFiles) -> None:
    plan = own_plan(load_spec(town.spec), dates=1)
    assert plan.world.calendar.days == 1
    assert own.plan.world.calendar.time_zone == "Asia/Seoul"
    assert own.total.any()
    assert not (own.work / "made").exists()


def test_the_command_says_where_and_nothing_else(
    town: CityFiles, own: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.audit._own.own_stage", lambda *_, **__: own)
    words = ["audit", str(town.spec), "--on-my-data", "--runs", "400"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    said = [line for line in done.stdout.splitlines() if "%" not in line]
    folder = town.folder / "work" / "audit"
    assert " ".join(said).count("audit.html") == 1
    assert not any(word in done.stdout for word in ("holds", "caught", "epsilon", "AUC"))
    assert folder.stat().st_mode & 0o077 == 0
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    content = json.loads((folder / "audit.json").read_text("utf-8"))
    assert content["audited"]["simulated"] is False
    assert [one["audit"] for one in content["audits"]] == ["lower-bound"]
    assert not town.ledger.exists()
    assert not (town.folder / "audit").exists()


def test_an_audit_that_needs_simulated_people_is_refused(town: CityFiles) -> None:
    words = ["audit", str(town.spec), "--on-my-data", "--only", "membership"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "simulated people" in " ".join(done.output.split())
