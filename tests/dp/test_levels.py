"""Several levels of one table: sums with exact errors, held against plain linear algebra."""

from __future__ import annotations

import datetime as dt
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dp.keys import Key, KeySet
from dp.law import NoiseLaw
from dp.lifts import Lift
from dp.loss import Loss, Rho
from dp.postprocess import Levelled, LevelTree, Single, consistent
from dp.postprocess.levels import STEP
from dp.postprocess.sums import NOWHERE, fourth_cumulant
from dp.postprocess.tree_sums import tree_cumulants
from dp.tables import Noisy


def _flows(zones: int, districts: int, parts: int = 2) -> tuple[KeySet, tuple[Lift, ...]]:
    """Pairs of zones, of districts, of the city; no trip from a zone to itself."""

    def keys(size: int, *, zeros: bool = False) -> KeySet:
        names = tuple(f"n{i}" for i in range(size))
        part = Key("part", tuple(range(parts)))
        pairs = (("origin", "destination"),) if zeros else ()
        return KeySet((part, Key("origin", names), Key("destination", names)), distinct=pairs)

    leaf, place = keys(zones, zeros=True), tuple(i % districts for i in range(zones))
    return leaf, (
        Lift(leaf, keys(districts), (None, place, place)),
        Lift(leaf, keys(1), (None, (0,) * zones, (0,) * zones)),
    )


def _noisy(keys: KeySet, law: NoiseLaw, values: np.ndarray) -> Noisy:
    return Noisy(
        table="flows",
        reads=(dt.date(2026, 3, 2),),
        keys=keys,
        law=law,
        loss=Loss(Rho(Fraction(1, 2))),
        lattice=np.round(values * law.factor).astype(np.int64),
    )


def _dense(levels: LevelTree) -> np.ndarray:
    """The linear map from all measurements to the estimates of the measured leaves."""
    measured = np.flatnonzero(levels.keys.measured)
    rows = [np.eye(levels.keys.size)]
    for lift in levels.lifts:
        above = np.zeros((lift.coarse.size, levels.keys.size))
        above[lift.cells(), np.arange(levels.keys.size)] = 1.0
        rows.append(above)
    rows[0] = rows[0][measured]
    design = np.vstack(rows)[:, measured]
    variance = np.concatenate([levels.variances[0][measured], *levels.variances[1:]])
    weight = np.diag(1.0 / variance)
    return np.linalg.solve(design.T @ weight @ design, design.T @ weight)


LAWS = {
    "gaussian": tuple(NoiseLaw("discrete_gaussian", s, 8) for s in (40.0, 60.0, 80.0)),
    "laplace": tuple(NoiseLaw("discrete_laplace", s, 8) for s in (30.0, 45.0, 70.0)),
}


@pytest.mark.parametrize("kind", LAWS)
@given(seed=st.integers(0, 10_000), zones=st.integers(2, 5), districts=st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_sums_have_the_cumulants_of_the_dense_form(
    kind: str, seed: int, zones: int, districts: int
) -> None:
    leaf, lifts = _flows(zones, min(zones, districts))
    levels = LevelTree(leaf, lifts, LAWS[kind])
    rng = np.random.default_rng(seed)
    values = [rng.normal(50, 20, keys.size) for keys in (leaf, *(lift.coarse for lift in lifts))]
    values[0][~leaf.measured] = 0.0
    pairs = zip((leaf, *(lift.coarse for lift in lifts)), LAWS[kind], values, strict=True)
    found = Levelled(levels, tuple(_noisy(keys, law, own) for keys, law, own in pairs))
    groups = rng.integers(-1, 4, leaf.size)
    weights = rng.normal(1.0, 1.0, leaf.size)
    sums = found.sums(groups, 4, weights)

    measured, solve = np.flatnonzero(leaf.measured), _dense(levels)
    drawn = np.concatenate(
        [found.measured[0].values[measured], *(m.values for m in found.measured[1:])]
    )
    own = [
        np.concatenate([law[0][measured], *law[1:]]) for law in (levels.variances, levels.fourths)
    ]
    estimates = np.zeros(leaf.size)
    estimates[measured] = solve @ drawn
    assert found.values == pytest.approx(estimates, abs=STEP)
    for group in range(4):
        inside = groups == group
        slope = (weights * inside)[measured] @ solve
        assert sums.value[group] == pytest.approx((estimates * weights)[inside].sum(), abs=1e-3)
        assert sums.variance[group] == pytest.approx(slope**2 @ own[0], rel=1e-9, abs=1e-9)
        assert sums.fourth[group] == pytest.approx(slope**4 @ own[1], rel=1e-8, abs=1e-8)
    cells = found.cells()
    assert cells.variance[measured] == pytest.approx(solve**2 @ own[0], rel=1e-9)
    assert cells.fourth[measured] == pytest.approx(solve**4 @ own[1], rel=1e-8, abs=1e-9)
    assert not cells.variance[~leaf.measured].any()
    assert not found.values[~leaf.measured].any()


def test_a_parent_is_exactly_the_sum_of_its_children_in_any_order() -> None:
    leaf, lifts = _flows(12, 4)
    rng = np.random.default_rng(3)
    keys = (leaf, *(lift.coarse for lift in lifts))
    values = [np.where(one.measured, rng.normal(3e6, 20, one.size), 0.0) for one in keys]
    own = tuple(_noisy(k, law, v) for k, law, v in zip(keys, LAWS["gaussian"], values, strict=True))
    found = Levelled(LevelTree(leaf, lifts, LAWS["gaussian"]), own)
    for lift in lifts:
        cells, order = lift.cells(), rng.permutation(leaf.size)
        sums = found.sums(cells, lift.coarse.size).value
        shuffled = np.zeros(lift.coarse.size)
        np.add.at(shuffled, cells[order], found.values[order])
        assert sums.tolist() == shuffled.tolist()
        assert sums.tolist() == [math.fsum(found.values[cells == c]) for c in range(len(sums))]


def test_a_district_of_one_zone_has_flows_within_it_that_are_known_to_be_none() -> None:
    leaf, lifts = _flows(3, 2, parts=1)
    found = LevelTree(leaf, lifts, LAWS["gaussian"]).solved
    sd = np.sqrt(found.variances[1]).reshape(2, 2)
    assert sd[1, 1] == 0.0
    assert (sd.ravel()[:3] > 0).all()


@pytest.mark.parametrize("kind", LAWS)
def test_intervals_of_cells_districts_and_city_hold_95_percent_of_simulated_truths(
    kind: str,
) -> None:
    zones, runs = 12, 120
    leaf, lifts = _flows(zones, 4)
    levels = LevelTree(leaf, lifts, LAWS[kind])
    rng = np.random.default_rng(11)
    truth = np.where(leaf.measured, rng.integers(0, 60, leaf.size), 0)
    held: dict[str, list[bool]] = {"leaf": [], "district": [], "city": []}
    errors = []
    for _ in range(runs):
        drawn = []
        for keys, law, cells in zip(
            (leaf, *(lift.coarse for lift in lifts)),
            LAWS[kind],
            (np.arange(leaf.size), *(lift.cells() for lift in lifts)),
            strict=True,
        ):
            whole = np.bincount(cells, truth, minlength=keys.size)
            noise = np.where(keys.measured, _draw(rng, law, keys.size), 0)
            drawn.append(_noisy(keys, law, whole + noise / law.factor))
        found = Levelled(levels, tuple(drawn))
        for name, cells, size in (
            ("leaf", np.arange(leaf.size), leaf.size),
            ("district", lifts[0].cells(), lifts[0].coarse.size),
            ("city", lifts[1].cells(), lifts[1].coarse.size),
        ):
            sums = found.sums(cells, size)
            lo, hi = sums.interval()
            due = np.bincount(cells, truth, minlength=size)
            drawn_for = sums.variance > 0
            held[name] += ((lo <= due) & (due <= hi))[drawn_for].tolist()
            if name == "leaf":
                errors.append(((sums.value - due) / np.where(drawn_for, sums.sd, 1.0))[drawn_for])
    assert abs(np.mean(held["leaf"]) - 0.95) < 0.01
    assert abs(np.mean(held["district"]) - 0.95) < 0.02
    assert abs(np.mean(held["city"]) - 0.95) < 0.05
    assert np.std(np.concatenate(errors)) == pytest.approx(1.0, abs=0.02)


def _draw(rng: np.random.Generator, law: NoiseLaw, size: int) -> np.ndarray:
    if law.kind == "discrete_gaussian":
        return np.round(rng.normal(0, law.scale, size))
    q = 1.0 - math.exp(-1.0 / law.scale)
    return rng.geometric(q, size) - rng.geometric(q, size)


def test_splitting_the_budget_makes_the_city_precise_at_a_small_price_for_the_cells() -> None:
    """250 cells, 36 districts: the city's sd falls from 66.8 to 10.6, a cell's rises to 5.15."""
    names = tuple(f"z{i}" for i in range(250))
    leaf = KeySet((Key("zone", names),))
    districts = KeySet((Key("zone", tuple(f"d{i}" for i in range(36))),))
    lifts = (
        Lift(leaf, districts, (tuple(i % 36 for i in range(250)),)),
        Lift(leaf, KeySet((Key("zone", ("all",)),)), ((0,) * 250,)),
    )
    whole = 4.227
    laws = tuple(
        NoiseLaw("discrete_gaussian", 4096 * whole / math.sqrt(part), 4096)
        for part in (0.6, 0.25, 0.15)
    )
    found = LevelTree(leaf, lifts, laws).solved
    assert whole * math.sqrt(250) == pytest.approx(66.8, abs=0.05)
    assert math.sqrt(found.variances[2][0]) == pytest.approx(10.6, abs=0.05)
    assert math.sqrt(found.variances[0].mean()) == pytest.approx(5.15, abs=0.02)


def test_one_level_and_several_answer_alike() -> None:
    leaf, _ = _flows(4, 2)
    law = LAWS["laplace"][0]
    noisy = _noisy(leaf, law, np.where(leaf.measured, 7.0, 0.0))
    single, flat = Single(noisy), LevelTree(leaf, (), (law,))
    groups = np.where(leaf.codes("origin") == 0, 0, NOWHERE)
    one, other = single.sums(groups, 1), Levelled(flat, (noisy,)).sums(groups, 1)
    assert other.value == pytest.approx(one.value)
    assert other.variance == pytest.approx(one.variance)
    assert other.fourth == pytest.approx(one.fourth)
    assert single.cells().variance == pytest.approx(np.where(leaf.measured, law.sd**2, 0.0))
    assert single.cells().fourth.max() == pytest.approx(fourth_cumulant(law))


def test_levels_that_part_again_and_measurements_of_other_keys_are_refused() -> None:
    leaf, lifts = _flows(4, 2)
    crossed = Lift(leaf, lifts[0].coarse, (None, (0, 0, 1, 1), (0, 0, 1, 1)))
    with pytest.raises(ValueError, match="nested"):
        _ = LevelTree(leaf, (lifts[0], crossed), LAWS["gaussian"]).tree
    with pytest.raises(ValueError, match="one measurement each"):
        Levelled(LevelTree(leaf, lifts, LAWS["gaussian"]), ())


def test_variances_of_single_nodes_are_those_of_the_two_passes() -> None:
    leaf, lifts = _flows(5, 3)
    levels = LevelTree(leaf, lifts, LAWS["gaussian"])
    found = consistent(levels.tree, [np.zeros((n, 1)) for n in levels.tree.sizes], levels.variances)
    for level, lift in enumerate(lifts, start=1):
        (variance,) = tree_cumulants(
            found,
            [levels.variances],
            groups=lift.cells(),
            weights=np.ones(leaf.size),
            size=lift.coarse.size,
        )
        assert variance == pytest.approx(found.variances[level], abs=1e-9)
