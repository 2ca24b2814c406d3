"""Sums, ratios and squares of noisy figures: moments by brute force, intervals by simulation."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from dp.keys import Key, KeySet
from dp.law import NoiseLaw
from dp.loss import Loss, Rho
from dp.postprocess import Moments, covariance, fieller, group_sums, product, share
from dp.postprocess.squares import mean_crowding, pairs_between, pairs_within
from dp.postprocess.sums import NOWHERE, fourth_cumulant
from dp.tables import Noisy

KEYS = KeySet((Key("a", ("x", "y", "z")), Key("b", ("x", "y", "z"))), distinct=(("a", "b"),))


def _noisy(lattice: list[int], law: NoiseLaw) -> Noisy:
    return Noisy(
        table="t",
        reads=(dt.date(2026, 3, 2),),
        keys=KEYS,
        law=law,
        loss=Loss(Rho.of("1/60")),
        lattice=np.array(lattice, dtype=np.int64),
    )


def test_sums_add_what_was_measured_and_leave_out_what_is_nowhere() -> None:
    noisy = _noisy([0, 8, -4, 2, 0, 6, 10, 1, 0], NoiseLaw("discrete_gaussian", 20.0, 2))
    groups = np.array([0, 0, 0, 1, 1, 1, 1, NOWHERE, NOWHERE])
    sums = group_sums(noisy, groups, 3)
    assert sums.value.tolist() == [2.0, 9.0, 0.0]
    assert sums.variance.tolist() == [200.0, 300.0, 0.0]
    lo, hi = sums.interval()
    assert (hi - lo)[2] == 0.0
    assert hi[0] == 2.0 + 28.0  # 1.96 x 14.142 = 27.72, the next half
    weighted = group_sums(noisy, groups, 3, weights=np.full(9, 3.0))
    assert weighted.value.tolist() == [6.0, 27.0, 0.0]
    assert weighted.variance == pytest.approx([1800.0, 2700.0, 0.0])


def test_overlapping_sums_have_the_covariance_of_what_they_share() -> None:
    law = NoiseLaw("discrete_gaussian", 10.0)
    rows, columns = KEYS.codes("a"), KEYS.codes("b")
    found = covariance(_noisy([0] * 9, law), rows, columns, shape=(3, 3))
    # a row and a column share one cell, and none on the diagonal, which is never measured
    assert found.tolist() == (100.0 * (1 - np.eye(3))).tolist()
    whole = np.zeros(9, dtype=np.int64)
    parts = covariance(_noisy([0] * 9, law), rows, whole, shape=(3, 1))
    assert parts.ravel().tolist() == group_sums(_noisy([0] * 9, law), rows, 3).variance.tolist()


@pytest.mark.parametrize("scale", [0.5, 3.0, 20.0])
@pytest.mark.parametrize("kind", ["discrete_gaussian", "discrete_laplace"])
def test_the_fourth_cumulant_is_that_of_the_law(kind: str, scale: float) -> None:
    steps = np.arange(-4000, 4001, dtype=np.float64)
    near = np.abs(steps) / scale
    mass = np.exp(-near) if kind == "discrete_laplace" else np.exp(-0.5 * near**2)
    mass /= mass.sum()
    second, fourth = (float(np.sum(mass * steps**power)) for power in (2, 4))
    law = NoiseLaw(kind, scale, 3)  # type: ignore[arg-type]
    due = (fourth - 3 * second**2) / 81
    assert fourth_cumulant(law) == pytest.approx(due, rel=1e-6, abs=1e-7 * second**2)


def test_fieller_is_the_set_of_ratios_that_are_not_refuted() -> None:
    found = fieller(
        Moments(np.array([30.0]), np.array([9.0])),
        Moments(np.array([50.0]), np.array([16.0])),
        covariance=4.0,
    )
    for end in (found.lo[0], found.hi[0]):
        distance = (30 - end * 50) ** 2 / (9 - 2 * end * 4 + end**2 * 16)
        assert distance == pytest.approx(1.959964**2, rel=1e-6)
    assert found.lo[0] < found.value[0] < found.hi[0]


def test_a_denominator_that_may_be_0_bounds_nothing() -> None:
    one = Moments(np.array([5.0, 5.0, 5.0]), np.ones(3))
    below = Moments(np.array([1.9, 0.0, 2.0]), np.ones(3))
    found = fieller(one, below)
    assert np.isinf(found.lo).tolist() == [True, True, False]
    assert np.isinf(found.sd).tolist() == [True, True, False]
    assert np.isnan(found.value).tolist() == [False, True, False]


def test_a_share_of_laplace_noise_covers() -> None:
    rng, trials = np.random.default_rng(1), 20_000
    noise = rng.laplace(0, 10 / np.sqrt(2), (trials, 5))
    cells = np.array([40.0, 30, 90, 20, 60]) + noise
    k = 3 * 10.0**4
    found = share(
        Moments(cells[:, 0], np.full(trials, 100.0)),
        Moments(cells.sum(axis=1), np.full(trials, 500.0)),
        fourth=k,
        fourth_whole=5 * k,
    )
    held = ((found.lo <= 40 / 240) & (found.hi >= 40 / 240)).mean()
    assert abs(held - 0.95) < 0.006


def test_variances_of_products_and_pairs_are_unbiased() -> None:
    rng, trials, s = np.random.default_rng(2), 40_000, 5.0
    truth = np.array([[30.0, 12, 4], [7, 50, 18]])
    noisy = truth + rng.normal(0, s, (trials, 2, 3))
    made = product(
        Moments(noisy[:, 0, 0], np.full(trials, s**2)),
        Moments(noisy[:, 1, 1], np.full(trials, s**2)),
    )
    assert made.value.var() == pytest.approx(made.variance.mean(), rel=0.03)
    within = pairs_within(noisy[:, 0], s**2)
    assert within.value.mean() == pytest.approx(900 + 144 + 16 - 46, rel=0.01)
    assert within.value.var() == pytest.approx(within.variance.mean(), rel=0.03)
    several = [pairs_between(one, np.full(2, s**2), np.zeros(2)) for one in noisy[:4000]]
    cross = np.array([one.value for one in several])
    assert cross[:, 0, 1].mean() == pytest.approx(30 * 7 + 12 * 50 + 4 * 18, rel=0.02)
    stated = np.array([one.variance for one in several]).mean(axis=0)
    assert cross.var(axis=0) == pytest.approx(stated, rel=0.1)


def test_mean_crowding_states_its_true_variance_at_the_true_ratio() -> None:
    rng, trials, s = np.random.default_rng(3), 60_000, 6.0
    truth = np.array([40.0, 25, 60, 33, 12])
    ratio = float(np.sum(truth * (truth - 1)) / truth.sum())
    noisy = truth + rng.normal(0, s, (trials, 5))
    gap = pairs_within(noisy, s**2).value - ratio * noisy.sum(axis=1)
    assert gap.var() == pytest.approx(5 * (s**2 * (1 + ratio) ** 2 + 2 * s**4), rel=0.02)
    found = mean_crowding(noisy, s**2)
    held = ((found.lo <= ratio) & (ratio <= found.hi)).mean()
    assert abs(held - 0.95) < 0.01
