"""Tables of real shape: matrices by part of the day, parents, unknown, several dates."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import Point

from dp.keys import Key, KeySet
from pipelines.models.cells import bounded, flow_pool, layout_of
from pipelines.models.gravity import distances_m
from pipelines.models.seasonal import smooth

COUNT = 30
IDS = tuple(f"z{i:02d}" for i in range(COUNT))


class _Zones:
    ids = IDS
    parents = tuple(f"p{i % 3}" for i in range(COUNT))
    lat, lon = np.random.default_rng(1).uniform((37.0, 127.0), (37.4, 127.4), (COUNT, 2)).T
    frame = gpd.GeoDataFrame(geometry=[Point(x, y) for x, y in zip(lon, lat, strict=True)])

    def __len__(self) -> int:
        return COUNT


WORLD: Any = SimpleNamespace(zones=_Zones())
PARTS = KeySet(
    (Key("day_part", ("day", "night")), Key("origin", IDS), Key("destination", IDS)),
    distinct=(("origin", "destination"),),
)


def _week(sd: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    size = rng.lognormal(0.0, 1.0, COUNT)
    apart = np.maximum(distances_m(_Zones.lat, _Zones.lon), 300.0)
    mean = size[:, None] * size * apart**-1.5 * rng.lognormal(0.0, 0.6, (COUNT, COUNT))
    np.fill_diagonal(mean, 0.0)
    mean *= 20_000 / mean.sum()
    truth = rng.poisson(np.stack([mean.ravel(), 0.3 * mean.T.ravel()]).ravel(), (5, PARTS.size))
    noise = np.round(rng.normal(0.0, sd, truth.shape))
    return truth.astype(float), np.where(PARTS.measured, truth + noise, 0.0)


def test_dates_and_gravity_together_beat_either_alone() -> None:
    truth, noisy = _week(12.0)
    measured = PARTS.measured

    def error(found: np.ndarray) -> float:
        return float(np.sqrt(np.mean((found - truth)[:, measured] ** 2)))

    sd, pool = np.full(5, 12.0), flow_pool(PARTS, WORLD)
    both = smooth(noisy, sd=sd, kinds=["working"] * 5, measured=measured, pool=pool)
    dates = smooth(noisy, sd=sd, kinds=["working"] * 5, measured=measured)
    apart = [str(i) for i in range(5)]
    gravity = smooth(noisy, sd=sd, kinds=apart, measured=measured, pool=pool)
    raw, one, two, all_ = (error(x) for x in (noisy, dates.mean, gravity.mean, both.mean))
    print(f"rmse raw {raw:.2f}, dates {one:.2f}, gravity {two:.2f}, both {all_:.2f}")
    assert all_ < min(one, two) < raw
    held = (both.lo <= truth) & (truth <= both.hi)
    print(f"held {held[:, measured].mean():.3f}")
    assert 0.94 < held[:, measured].mean() < 0.99


def test_a_pool_puts_every_flow_back_in_its_place() -> None:
    truth, _ = _week(0.0)
    pool = flow_pool(PARTS, WORLD)
    assert pool is not None
    flows = truth[0][PARTS.measured]
    known = pool(flows, 0.2)(flows, 0.2)
    assert known.mean == pytest.approx(flows, abs=1.5)
    assert np.median(known.sd) < 0.2


def test_other_tables_have_no_gravity() -> None:
    assert flow_pool(KeySet((Key("zone", IDS),)), WORLD) is None
    assert flow_pool(KeySet((Key("origin", IDS), Key("bin", (0, 1)))), WORLD) is None


def test_totals_are_kept_for_each_time_and_other_key() -> None:
    keys = KeySet((Key("bin", (0, 1, 2)), Key("overnight", (*IDS, "unknown"))))
    layout = layout_of(keys, WORLD)
    assert layout.slices.tolist() == keys.codes("bin").tolist()
    assert len(set(layout.groups.tolist())) == 4  # three parents, and unknown by itself
    noisy = np.random.default_rng(3).normal(4.0, 20.0, keys.size)
    noisy[: COUNT + 1] -= 30.0
    mean, whole = bounded(noisy, sd=np.full(keys.size, 20.0), noisy=noisy, layout=layout)
    for number in range(3):
        here = layout.slices == number
        total = max(round(noisy[here].sum()), 0)
        assert whole[here].sum() == total
        assert mean[here].sum() == pytest.approx(total)
    assert (whole >= 0).all()
    assert whole[: COUNT + 1].sum() == 0


def test_a_matrix_keeps_a_total_for_each_part_of_the_day() -> None:
    layout = layout_of(PARTS, WORLD)
    assert len(set(layout.slices.tolist())) == 2
    _, noisy = _week(12.0)
    _, whole = bounded(noisy[0], sd=np.ones(PARTS.size), noisy=noisy[0], layout=layout)
    for number in range(2):
        here = layout.slices == number
        assert whole[here].sum() == round(noisy[0][here].sum())
    assert (whole[~PARTS.measured] == 0).all()
