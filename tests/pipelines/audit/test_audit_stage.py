"""The stage: simulated people through the production path, together and one by one."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipelines.audit import audits
from pipelines.audit._build import Size, fixed_offset, shaped, simulated_plan, simulated_stage
from pipelines.audit._stage import Stage
from pipelines.audit._vectors import Persons, vectors_of
from pipelines.progress import Silent
from pipelines.spec import load_spec


def test_persons_alone_add_up_to_everybody(stage: Stage) -> None:
    assert stage.total.any()
    assert np.array_equal(np.asarray(stage.vectors.sum(axis=0)).ravel(), stage.total)


def test_nobody_counts_for_more_than_the_bounds(stage: Stage) -> None:
    for i, one in enumerate(stage.layout.measurements):
        mine = slice(stage.layout.starts[i], stage.layout.starts[i + 1])
        for people in (stage.vectors, stage.shapes):
            rows = people.toarray()[:, mine]
            assert (rows.astype(float) ** 2).sum(axis=1).max() <= one.bounds.l2_squared
            assert rows.max() <= one.bounds.linf


def test_an_adversarial_person_uses_nearly_the_whole_claim(stage: Stage) -> None:
    mu2 = ((stage.shapes.toarray() / stage.layout.sd) ** 2).sum(axis=1).max()
    claim = 2 * float(stage.rho())
    assert 0.99 * claim <= mu2 <= claim


def test_a_person_who_is_not_bounded_passes_the_claim(stage: Stage) -> None:
    mu2 = ((stage.raw_shapes.toarray() / stage.layout.sd) ** 2).sum(axis=1).max()
    assert mu2 > 4 * float(stage.rho())


def test_noise_has_the_planned_scale_and_nothing_else(stage: Stage) -> None:
    columns = stage.layout.columns(dates=range(1), table="presence")
    totals = np.broadcast_to(stage.total[columns], (20, columns.size))
    apart = (stage.noisy(totals, columns) - totals) / stage.layout.sd[columns]
    assert apart.std() == pytest.approx(1.0, abs=5 / (2 * apart.size) ** 0.5)
    assert abs(apart.mean()) < 5 / apart.size**0.5


def test_private_files_are_private(stage: Stage) -> None:
    files = [path for path in stage.work.rglob("*") if path.is_file()]
    assert files
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)


def test_the_same_seed_gives_the_same_people(stage: Stage) -> None:
    assert stage.crowd is not None
    day = stage.crowd.calendar.dates[0]
    assert stage.crowd.pings(day).equals(stage.crowd.pings(day))


def test_persons_of_several_readings_are_the_same_persons(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("pipelines.audit._vectors.MOST_MADE_UP", 2 * stage.dates)
    persons = Persons(plan=stage.plan, layout=stage.layout, secret=bytes(32), work=tmp_path)
    ids = stage.plan.policy.unit.multiplicity
    again = vectors_of(persons, records=shaped(stage.plan, ids), count=len(stage.shape_names))
    assert (again != stage.shapes).nnz == 0


def test_a_spec_with_too_many_cells_is_audited_on_fewer_dates(
    spec_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = load_spec(spec_file, check_data=False)
    whole = simulated_plan(spec, work=tmp_path, dates=8)
    assert whole.world.calendar.days == 8
    cells = sum(one.keys.size for one in whole.measurements)
    monkeypatch.setattr("pipelines.audit._build.MOST_CELLS", cells // 2)
    assert simulated_plan(spec, work=tmp_path, dates=8).world.calendar.days == 4
    assert simulated_plan(spec, work=tmp_path, dates=None).world.calendar.days == 4


@pytest.mark.parametrize(
    ("zone", "month", "offset"),
    [("Asia/Seoul", 3, "Etc/GMT-9"), ("America/New_York", 7, "Etc/GMT+4"), ("UTC", 1, "Etc/GMT")],
)
def test_dates_have_24_hours_at_the_policys_offset(
    stage: Stage, zone: str, month: int, offset: str
) -> None:
    policy = dataclasses.replace(stage.plan.policy, time_zone=zone)
    assert fixed_offset(policy, dt.date(2026, month, 2)) == offset


def test_levels_above_the_zones_are_audited_too(
    edited: Callable[[str, str], Path], tmp_path: Path
) -> None:
    spec = load_spec(edited("share = 9", "levels = true\nshare = 9"), check_data=False)
    size = Size(people=60, apart=60, dates=1, runs=400)
    found = simulated_stage(spec, work=tmp_path / "work", size=size, progress=Silent())
    levels = [one.level for one in found.layout.measurements if one.table == "presence"]
    assert levels == ["zone", "parent", "city"]
    assert np.array_equal(np.asarray(found.vectors.sum(axis=0)).ravel(), found.total)
    mu2 = ((found.shapes.toarray() / found.layout.sd) ** 2).sum(axis=1).max()
    assert 0.3 * float(found.rho()) < mu2 <= 2 * float(found.rho())
    (noise,) = audits()["whole-release"].run(found, Silent())
    assert abs(noise.with_person.value) < 5 * noise.with_person.se
