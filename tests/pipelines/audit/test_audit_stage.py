"""The stage: simulated people through the production path, together and one by one."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.audit._stage import Stage


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
