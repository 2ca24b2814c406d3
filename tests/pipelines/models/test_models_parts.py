"""Controlled rounding, seasonal smoothing, layouts and draws."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.models.draws import plausible, shared_error, stream
from pipelines.models.integers import fit_total, round_levels, round_to
from pipelines.models.seasonal import day_kinds, smooth

MONDAY = dt.date(2026, 3, 2)
numbers = st.lists(st.floats(-50.0, 500.0, allow_nan=False), min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(numbers, st.integers(0, 5_000))
def test_rounding_keeps_the_total_and_moves_no_cell_by_a_unit(
    values: list[float], total: int
) -> None:
    fitted = fit_total(np.array(values), float(total))
    assert (fitted >= 0.0).all()
    assert fitted.sum() == pytest.approx(float(total), abs=1e-6)
    whole = round_to(fitted, total)
    assert whole.sum() == total
    assert (whole >= 0).all()
    assert (np.abs(whole - fitted) < 1.0 + 1e-6).all()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.0, 90.0), st.integers(0, 3)), min_size=4, max_size=40),
    st.integers(0, 900),
)
def test_cells_add_up_to_groups_and_groups_to_the_total(
    cells: list[tuple[float, int]], total: int
) -> None:
    values = np.array([value for value, _ in cells])
    _, groups = np.unique([group for _, group in cells], return_inverse=True)
    whole, upper = round_levels(values, groups=groups.astype(np.int64), total=total)
    assert whole.sum() == total == upper.sum()
    assert np.bincount(groups, weights=whole).tolist() == upper.tolist()
    assert (whole >= 0).all()


def test_clipping_adds_to_a_total_and_the_projection_does_not() -> None:
    noisy = np.round(np.random.default_rng(1).normal(0.0, 20.0, 5_000)) + 2.0
    assert np.clip(noisy, 0, None).sum() > 3 * noisy.sum()
    assert fit_total(noisy, noisy.sum()).sum() == pytest.approx(noisy.sum())


def _week(vary: float, *, seed: int = 3) -> tuple[np.ndarray, list[dt.date]]:
    rng = np.random.default_rng(seed)
    usual = rng.lognormal(4.0, 1.0, 1_500)
    level = np.array([1.0, 1.02, 0.98, 1.0, 0.97, 0.6, 0.5])
    mean = usual * level[:, None] * np.exp(rng.normal(0.0, vary, (7, 1_500)))
    return rng.poisson(mean).astype(float), [MONDAY + dt.timedelta(i) for i in range(7)]


@pytest.mark.parametrize("vary", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("sd", [5.0, 36.0])
def test_smoothing_a_week_is_nearer_to_the_truth_and_knows_how_near(vary: float, sd: float) -> None:
    truth, dates = _week(vary)
    noisy = truth + np.round(np.random.default_rng(4).normal(0.0, sd, truth.shape))
    found = smooth(
        noisy,
        sd=np.full(7, sd),
        kinds=day_kinds(dates, holidays=frozenset()),
        measured=np.ones(truth.shape[1], dtype=bool),
    )
    raw, ours = (np.sqrt(np.mean((x - truth) ** 2)) for x in (noisy, found.mean))
    print(f"vary {vary} sd {sd}: rmse {raw:.1f} -> {ours:.1f}")
    assert ours < 0.97 * raw
    inside = (found.lo <= truth) & (truth <= found.hi)
    print(f"held {inside.mean():.3f}")
    assert 0.945 < inside.mean() < 0.98


def test_a_day_on_which_the_city_stays_home_is_not_pulled_up() -> None:
    rng = np.random.default_rng(5)
    level = np.array([1.0, 1.0, 0.3, 1.0, 1.0])
    truth = rng.lognormal(4.5, 0.8, 1_000) * level[:, None]
    noisy = truth + rng.normal(0.0, 10.0, truth.shape)
    found = smooth(
        noisy, sd=np.full(5, 10.0), kinds=["working"] * 5, measured=np.ones(1_000, dtype=bool)
    )
    assert found.mean[2].sum() == pytest.approx(truth[2].sum(), rel=0.02)


def test_one_date_alone_stays_as_it_is() -> None:
    noisy = np.array([[5.0, -3.0, 0.0]])
    found = smooth(
        noisy, sd=np.array([4.0]), kinds=["working"], measured=np.array([True, True, False])
    )
    assert found.mean.tolist() == [[5.0, -3.0, 0.0]]
    assert found.sd.tolist() == [[4.0, 4.0, 0.0]]
    assert found.hi.tolist() == [[13.0, 7.0, 0.0]]


def test_kinds_of_days() -> None:
    week = [MONDAY + dt.timedelta(i) for i in range(7)]
    assert day_kinds(week, holidays=frozenset()) == ["working"] * 5 + ["weekend"] * 2
    assert day_kinds(week, holidays=frozenset({MONDAY}))[0] == "holiday"
    three = [MONDAY + dt.timedelta(i) for i in range(21)]
    assert day_kinds(three, holidays=frozenset())[7] == "weekday 1"


@pytest.mark.parametrize("mean", [-5.0, -1.0, 0.0, 1.0, 6.0])
def test_draws_follow_the_truncated_normal_law(mean: float) -> None:
    from scipy.stats import kstest, truncnorm

    drawn = plausible(
        np.full(20_000, 2 * mean), np.full(20_000, 2.0), rng=stream(7, draw=0, name="x")
    )
    law = truncnorm(-mean, np.inf, loc=2 * mean, scale=2.0)
    assert kstest(drawn, law.cdf).pvalue > 1e-4
    assert kstest(drawn, truncnorm(-mean, np.inf, loc=2 * mean, scale=2.3).cdf).pvalue < 1e-4


def test_a_seed_repeats_a_draw_whatever_else_is_drawn() -> None:
    first = stream(3, draw=1, name="presence").normal(size=4)
    stream(3, draw=1, name="od_flows").normal(size=100)
    assert (first == stream(3, draw=1, name="presence").normal(size=4)).all()
    assert (first != stream(3, draw=2, name="presence").normal(size=4)).all()
    assert (first != stream(4, draw=1, name="presence").normal(size=4)).all()
    with pytest.raises(ValueError, match="seed must be 0 or more"):
        stream(-1, draw=0, name="presence")


def test_the_error_of_the_weights_is_one_for_all_tables_of_a_draw() -> None:
    assert shared_error(1, draw=0, groups=3).tolist() == shared_error(1, draw=0, groups=3).tolist()
    assert shared_error(1, draw=0, groups=3).tolist() != shared_error(1, draw=1, groups=3).tolist()
