"""Coarser cells: every cell once, the total kept, the finest that pass, and what choosing costs."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dp.keys import Key, KeySet
from pipelines.coarse.blocks import Grouping, finest, partition
from pipelines.coarse.chains import Base, Step, base_of, chains_of
from pipelines.schemas.calendar import Calendar

WEEK = Calendar(
    time_zone="Asia/Seoul", day_starts=dt.time(4), start=dt.date(2026, 3, 2), days=7
).dates
LIMIT = 0.3


class _Zones:
    ids = tuple(f"z{i:02d}" for i in range(20))
    parents = tuple(f"p{i // 5}" for i in range(20))

    def __len__(self) -> int:
        return 20


WORLD: Any = SimpleNamespace(zones=_Zones())


def _presence(bins: int = 24) -> tuple[Base, list[list[Step]]]:
    key_set = KeySet((Key("bin", tuple(range(bins))), Key("zone", _Zones.ids)))
    base = base_of([key_set] * 7, days=list(WEEK), world=WORLD, bin_s=86_400 // bins)
    return base, chains_of(base, world=WORLD, bin_s=86_400 // bins, has_bins=True)


def _truth(rng: np.random.Generator) -> np.ndarray:
    usual = rng.lognormal(4.0, 1.2, 20) * rng.uniform(0.2, 1.8, (24, 1))
    return rng.poisson(np.tile(usual.ravel(), 7)).astype(float)


def test_chains_are_nested_and_end_with_the_city_s_week() -> None:
    _, chains = _presence()
    assert len(chains) == 10  # ways to order three steps of time and two of zones
    for chain in chains:
        assert (chain[0].time, chain[0].place) == ("bin", "zone")
        assert (chain[-1].time, chain[-1].place, chain[-1].grouping.size) == ("week", "city", 1)
        for fine, rough in pairwise(chain):
            pairs = np.unique(np.stack([fine.grouping.groups, rough.grouping.groups]), axis=1)
            assert pairs.shape[1] == fine.grouping.size


@pytest.mark.parametrize("sd", [5.0, 40.0, 300.0, 20_000.0])
def test_every_cell_is_covered_once_and_the_total_is_kept(sd: float) -> None:
    rng = np.random.default_rng(1)
    _, chains = _presence()
    noisy = _truth(rng) + np.round(rng.normal(0.0, sd, 7 * 24 * 20))
    variance = np.full(noisy.size, sd**2)
    best, found = finest(noisy, variance, [[s.grouping for s in c] for c in chains], limit=LIMIT)
    assert found.block.shape == noisy.shape
    assert sorted(set(found.block.tolist())) == list(range(found.size))
    value = np.bincount(found.block, weights=noisy)
    assert value.sum() == noisy.sum()
    noise = np.sqrt(np.bincount(found.block, weights=variance))
    if sd < 10_000:
        assert (noise <= LIMIT * value).all()
    else:
        assert found.size == 1
    for number in range(0, found.size, max(1, found.size // 40)):
        cells = np.flatnonzero(found.block == number)
        groups = chains[best][int(found.level[cells[0]])].grouping.groups
        assert (found.level[cells] == found.level[cells[0]]).all()
        assert (groups == groups[cells[0]]).sum() == len(cells)
        assert len(set(groups[cells].tolist())) == 1


def test_no_block_could_have_been_split() -> None:
    rng = np.random.default_rng(2)
    _, chains = _presence()
    noisy = _truth(rng) + rng.normal(0.0, 30.0, 7 * 24 * 20)
    variance = np.full(noisy.size, 900.0)
    chain = [step.grouping for step in chains[0]]
    found = partition(noisy, variance, chain, limit=LIMIT)
    split = 0
    for first in found.first:
        level = int(found.level[first])
        if level == 0:
            continue
        cells = np.flatnonzero(found.block == found.block[first])
        parts = chain[level - 1].groups[cells]
        passes = [
            np.sqrt(variance[cells][parts == p].sum()) <= LIMIT * noisy[cells][parts == p].sum()
            for p in set(parts.tolist())
        ]
        assert not all(passes)
        split += 1
    assert split > 10


def test_precise_cells_stay_whole_and_one_weak_cell_coarsens_its_neighbours_alone() -> None:
    base, chains = _presence()
    values = np.full(base.date.size, 1_000.0)
    weak = np.flatnonzero((base.date == 0) & (base.bin == 3) & (base.keys["zone"] == 7))
    values[weak] = 5.0
    found = finest(
        values,
        np.full(values.size, 100.0),
        [[s.grouping for s in c] for c in chains],
        limit=LIMIT,
    )[1]
    merged = np.flatnonzero(found.block == found.block[weak[0]])
    # five zones of one hour are fewer than six hours of one zone: the parent's hour is finer
    assert base.keys["zone"][merged].tolist() == [5, 6, 7, 8, 9]
    assert (base.bin[merged] == 3).all()
    assert (base.date[merged] == 0).all()
    assert found.size == values.size - 4


def test_unknown_and_other_keys_never_merge() -> None:
    overnight = (*_Zones.ids, "unknown")
    key_set = KeySet((Key("overnight", overnight), Key("observed_hours", ("0", "1+"))))
    base = base_of([key_set], days=list(WEEK[:1]), world=WORLD, bin_s=0)
    chains = chains_of(base, world=WORLD, bin_s=0, has_bins=False)
    assert {step.time for chain in chains for step in chain} == {"date", "week"}
    values, variance = np.zeros(key_set.size), np.ones(key_set.size)
    found = finest(values, variance, [[s.grouping for s in c] for c in chains], limit=LIMIT)[1]
    labels = {
        (base.keys["overnight"][cell] == 20, int(base.keys["observed_hours"][cell]))
        for cell in found.first
    }
    assert found.size == 4
    assert len(labels) == 4


def test_flows_coarsen_at_both_ends() -> None:
    key_set = KeySet(
        (Key("origin", _Zones.ids), Key("destination", _Zones.ids)),
        distinct=(("origin", "destination"),),
    )
    base = base_of([key_set] * 7, days=list(WEEK), world=WORLD, bin_s=0)
    chains = chains_of(base, world=WORLD, bin_s=0, has_bins=False)
    assert len(chains) == 3
    assert {s.grouping.size for c in chains for s in c} == {2800, 400, 16 * 7, 16, 7, 1}


def test_a_structural_zero_alone_passes() -> None:
    chain = [
        Grouping(name="cell", groups=np.arange(2), size=2),
        Grouping(name="all", groups=np.zeros(2, np.int64), size=1),
    ]
    found = partition(np.array([0.0, 100.0]), np.array([0.0, 4.0]), chain, limit=LIMIT)
    assert found.size == 2


def test_what_choosing_by_noisy_values_costs_the_intervals() -> None:
    """Cells that stand alone are chosen a little high, merged ones near the limit a little low."""
    rng = np.random.default_rng(5)
    _, chains = _presence()
    groupings = [[s.grouping for s in c] for c in chains]
    errors, alone, near = [], [], []
    for sd in (15.0, 40.0, 120.0):
        variance = np.full(7 * 24 * 20, sd**2)
        for _ in range(25):
            truth = _truth(rng)
            noisy = truth + np.round(rng.normal(0.0, sd, truth.size))
            found = finest(noisy, variance, groupings, limit=LIMIT)[1]
            value = np.bincount(found.block, weights=noisy)
            noise = np.sqrt(np.bincount(found.block, weights=variance))
            errors.append((value - np.bincount(found.block, weights=truth)) / noise)
            alone.append(found.level[found.first] == 0)
            near.append(noise > 0.75 * LIMIT * value)
    error, single, close = (np.concatenate(parts) for parts in (errors, alone, near))
    cases = {
        "all rows": np.ones(len(error), dtype=bool),
        "single cells": single,
        "single cells near the limit": single & close,
        "merged cells": ~single,
        "merged cells near the limit": ~single & close,
    }
    for name, rows in cases.items():
        covered = np.mean(np.abs(error[rows]) <= 1.96)
        print(
            f"{name}: {rows.sum()} rows, covered {covered:.3f}, mean {error[rows].mean():+.2f} sd"
        )
        assert covered > 0.93
    assert np.mean(np.abs(error) <= 1.96) == pytest.approx(0.95, abs=0.01)
    assert abs(error.mean()) < 0.1
