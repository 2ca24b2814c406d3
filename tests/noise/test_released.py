"""The noise of published values, through the whole path: its law, its scale, its independence.

Two releases (each date is restated as a new issue) of two dates, with totals that the test knows.
Noise is what stands in the folders minus those totals.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from shapely.geometry import box, mapping

from dp.bounds import Bounds
from dp.ledger import Ledger, Reservation
from dp.mechanisms import Mechanism
from pipelines import load_spec, plan, read_release, release
from pipelines.engines.contract import Job
from pipelines.progress import Progress
from pipelines.release import totals
from pipelines.release.model import PlannedMeasurement
from pipelines.release.totals import Totals
from pipelines.spec import load_policy

SPEC = """\
title = "Noise"
dates = { start = 2026-03-02, days = 2 }
issue = ISSUE
[series]
ledger = "noise.ledger"
[zones]
grid = { cell_m = 400, boundary = "box.geojson" }
[[sources]]
kind = "pings"
path = "none.parquet"
columns = { person = "who", time = "ts", lat = "lat", lon = "lon" }
[[tables]]
table = "presence"
share = 9
[[tables]]
table = "od_flows"
share = 5
[[tables]]
table = "presence_by_overnight"
bin_minutes = 1440
noise = "laplace"
[release]
derived = false
report = false
[layers]
for_models = false
coarse = false
"""
POLICY = """\
cap_rho = "1/2"
window_days = 7
ids_per_person_per_date = 2
id_rotation = "never"
time_zone = "Asia/Seoul"
population = 100000
"""
BY_CHANCE = 1e-7
LIMIT = 5.0
Ints = NDArray[np.int64]
Key = tuple[int, str, int]


class Known:
    """An engine of known totals: 0, 3, 6 ...; 0 in structural zeros."""

    name = "known"

    def run(self, job: Job, progress: Progress) -> Known:
        return self

    def vector(self, table: str, day: int, size: int) -> Ints:
        found = np.arange(size, dtype=np.int64) * 3 + day
        if table == "od_flows":
            found[:: int(size**0.5) + 1] = 0
        return found

    def close(self) -> None:
        pass


@dataclass
class Released:
    """What was published, and what was true.

    Attributes:
        noise: By issue, table and number of the date: lattice steps of the measured cells.
        planned: The measurements.
        booked: The ledger's charges.
    """

    noise: dict[Key, Ints]
    planned: dict[Key, PlannedMeasurement]
    booked: tuple[Reservation, ...]

    def of(self, table: str) -> Ints:
        return np.concatenate([v for (_, name, _), v in self.noise.items() if name == table])


@contextmanager
def _known(truth: dict[str, Ints], draw: Callable[..., Ints] | None) -> Iterator[None]:
    real = Totals.bounded

    def watched(self: Totals, one: PlannedMeasurement) -> Any:
        bounded = real(self, one)
        truth[one.charge.key] = bounded.totals
        return bounded

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        patch.setattr(totals, "engine_of", lambda _: Known())
        patch.setattr(Totals, "bounded", watched)
        if draw is not None:
            patch.setattr(Mechanism, "draw", draw)
        yield


def released(folder: Path, draw: Callable[..., Ints] | None = None) -> Released:
    """Release two issues of two dates; ``draw`` plants another way to draw."""
    folder.mkdir(parents=True)
    shape = {"type": "Feature", "properties": {}, "geometry": mapping(box(127, 37, 127.05, 37.04))}
    (folder / "box.geojson").write_text(json.dumps(shape))
    (folder / "policy.toml").write_text(POLICY)
    anchors = folder / "anchors"
    noise: dict[Key, Ints] = {}
    planned: dict[Key, PlannedMeasurement] = {}
    truth: dict[str, Ints] = {}
    with pytest.MonkeyPatch.context() as patch, _known(truth, draw):
        patch.setenv("MURMURATION_ANCHORS", str(anchors))
        Ledger.create(folder / "noise.ledger", load_policy(folder / "policy.toml")).close()
        for issue in (0, 1):
            (folder / "release.toml").write_text(SPEC.replace("ISSUE", str(issue)))
            made = plan(load_spec(folder / "release.toml", check_data=False))
            found = read_release(release(made), check=True)
            for one in made.measurements:
                key = (issue, one.table, one.day.index)
                noise[key] = _noise(found, one, truth[one.charge.key])
                planned[key] = one
        with Ledger.open(folder / "noise.ledger") as ledger:
            booked = ledger.reservations()
    return Released(noise, planned, booked)


def _noise(found: Any, one: PlannedMeasurement, truth: Ints) -> Ints:
    """Published values minus the truth, in lattice steps; the raw layer must say the same."""
    rows, raw = found[one.table], found.measurements(one.table)
    value = rows.loc[rows["date"].dt.date == one.date, "value"].to_numpy() * one.law.factor
    lattice = raw.loc[raw["date"].dt.date == one.date, "lattice"].to_numpy()
    assert np.array_equal(np.rint(value).astype(np.int64), lattice)
    return np.asarray(lattice - truth)[one.keys.measured]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Released:
    return released(tmp_path_factory.mktemp("noise") / "whole")


TABLES = ("presence", "od_flows", "presence_by_overnight")


def scale_off(noise: Ints, kind: str, scale: float) -> float:
    """How many standard errors the sample's scale lies from this one, by the law's own moment.

    Gaussian: mean of x^2 is scale^2, sd sqrt(2) scale^2. Laplace: mean of |x| is scale, sd scale.
    With n cells a claim that is a tenth too large is expected 0.17 sqrt(n / 2) or 0.09 sqrt(n)
    away, one that is a tenth too small further: at 10,000 cells 12 or 9, so that it would pass at
    5 less than once in 100,000.
    """
    if kind == "discrete_gaussian":
        return float((np.mean(noise.astype(float) ** 2) / scale**2 - 1) * (noise.size / 2) ** 0.5)
    return float((np.abs(noise).mean() / scale - 1) * noise.size**0.5)


@pytest.mark.parametrize("table", TABLES)
def test_published_noise_fits_its_law_and_no_scale_a_tenth_off(
    whole: Released, table: str, fit: Callable[..., tuple[float, float]]
) -> None:
    noise, law = whole.of(table), whole.planned[0, table, 0].law
    assert noise.size > 10_000
    assert min(fit(noise, law.kind, law.scale)) > BY_CHANCE
    assert abs(scale_off(noise, law.kind, law.scale)) < LIMIT
    for off in (0.9, 1.1):
        assert min(fit(noise, law.kind, law.scale * off)) < BY_CHANCE
        assert abs(scale_off(noise, law.kind, law.scale * off)) > LIMIT


@pytest.mark.parametrize("off", [0.9, 1.1])
@pytest.mark.parametrize("kind", ["discrete_gaussian", "discrete_laplace"])
def test_a_scale_a_tenth_off_is_rejected_every_time(kind: str, off: float) -> None:
    """300 samples of 10,000 cells: by the rule of three the power is 99% or more."""
    rng, scale = np.random.default_rng(11), 40.0
    for _ in range(300):
        if kind == "discrete_gaussian":
            sample = np.rint(rng.normal(0, scale * off, 10_000)).astype(np.int64)
        else:
            sample = np.rint(rng.laplace(0, scale * off, 10_000)).astype(np.int64)
        assert abs(scale_off(sample, kind, scale)) > LIMIT


def shared(found: Released) -> list[str]:
    """Which parts of what was published share noise: cells, dates, tables or runs."""
    scaled = {key: v / v.std() for key, v in found.noise.items()}
    pairs = {
        f"{a} and {b}": (scaled[a][: len(scaled[b])], scaled[b][: len(scaled[a])])
        for a, b in combinations(scaled, 2)
    }
    for key, v in scaled.items():
        pairs |= {f"{key}, {lag} apart": (v[:-lag], v[lag:]) for lag in (1, 2, 24, 1000)}
    return [
        name
        for name, (a, b) in pairs.items()
        if abs(np.mean(a * b)) > 6 / min(a.size, b.size) ** 0.5
    ]


def test_cells_dates_tables_and_runs_have_noise_of_their_own(whole: Released) -> None:
    assert len(whole.noise) == 12
    assert shared(whole) == []
    assert all(not np.array_equal(a, b) for a, b in pairwise(whole.noise.values()))


def _once_for_all(scale: str) -> Callable[..., Ints]:
    """A plant: noise that is drawn once and used again, by vector or by pairs of cells."""
    real, kept = Mechanism.draw, dict[Any, Ints]()

    def draw(self: Mechanism, totals: Ints, **more: Any) -> Ints:
        if scale == "pairs of cells":
            half = real(self, np.zeros(-(-totals.size // 2), dtype=np.int64), **more)
            return totals + np.repeat(half, 2)[: totals.size]
        if totals.size not in kept:
            kept[totals.size] = real(self, np.zeros(totals.size, dtype=np.int64), **more)
        return totals + kept[totals.size]

    return draw


@pytest.mark.parametrize(
    ("plant", "where"), [("pairs of cells", ", 1 apart"), ("dates and runs", "and (1, ")]
)
def test_noise_that_is_shared_is_caught(tmp_path: Path, plant: str, where: str) -> None:
    found = shared(released(tmp_path / "planted", _once_for_all(plant)))
    assert any(where in name for name in found)


def test_every_charge_is_what_opendps_map_says_of_its_bounds(whole: Released) -> None:
    import opendp.prelude as odp

    odp.enable_features("contrib")
    vectors = odp.vector_domain(odp.atom_domain(T="i64"))
    booked = {one.charge.key: one.charge for one in whole.booked}
    assert len(booked) == len(whole.planned) == 12
    for one in whole.planned.values():
        charge = booked[one.charge.key]
        detail = charge.detail
        bounds = Bounds(**{n: int(detail[n]) for n in ("l0", "l1", "l2_squared", "linf")})
        assert bounds == one.bounds
        scale = float(detail["scale"])
        if detail["noise"] == "discrete_gaussian":
            made = odp.m.make_gaussian(vectors, odp.l2_distance(T="f64"), scale=scale)
            rho = Fraction(made.map(bounds.l2))
        else:
            made = odp.m.make_laplace(vectors, odp.l1_distance(T="i64"), scale=scale)
            rho = Fraction(made.map(bounds.l1)) ** 2 / 2
        assert charge.loss.rho.value == rho
        assert charge.loss.delta == 0
