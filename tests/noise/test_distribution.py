"""The noise that comes out is the noise that is claimed: a tenth more or less is noticed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from dp.bounds import Bounds
from dp.loss import Rho
from dp.mechanisms import Mechanism, gaussian, laplace

DRAWS = 150_000  # more than one chunk
ONE = Bounds(l0=1, l1=1, l2_squared=1, linf=1)
HOURS = Bounds(l0=24, l1=24, l2_squared=24, linf=1)
CAPPED = Bounds(l0=4 * 4096**2, l1=4 * 4096**2, l2_squared=4 * 4096**2, linf=8192)
CAPPED_L1 = Bounds(l0=4 * 4096, l1=4 * 4096, l2_squared=(4 * 4096) ** 2, linf=4 * 4096)
BY_CHANCE = 1e-7  # a right mechanism fails a test of these once in ten million runs
CASES = {
    "gaussian, scale 1": lambda: gaussian(ONE, Rho.of("1/2")),
    "gaussian, scale 12": lambda: gaussian(HOURS, Rho.of("1/12")),
    "gaussian, scale 29000": lambda: gaussian(CAPPED, Rho.of("1/25"), 4096),
    "laplace, scale 1": lambda: laplace(ONE, Rho.of("1/2")),
    "laplace, scale 59": lambda: laplace(HOURS, Rho.of("1/12")),
    "laplace, scale 58000": lambda: laplace(CAPPED_L1, Rho.of("1/25"), 4096),
}
Ints = NDArray[np.int64]
Case = tuple[Mechanism, Ints]


@pytest.fixture(scope="module", params=list(CASES), ids=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    mechanism = CASES[request.param]()
    totals = np.arange(DRAWS, dtype=np.int64) * 7 - 1000
    return mechanism, mechanism.draw(totals) - totals


def test_noise_fits_its_law(case: Case, fit: Callable[..., tuple[float, float]]) -> None:
    mechanism, noise = case
    assert min(fit(noise, mechanism.law.kind, mechanism.law.scale)) > BY_CHANCE


@pytest.mark.parametrize("off", [0.9, 1.1])
def test_a_scale_off_by_a_tenth_is_rejected(
    case: Case, off: float, fit: Callable[..., tuple[float, float]]
) -> None:
    mechanism, noise = case
    p_values = fit(noise, mechanism.law.kind, mechanism.law.scale * off)
    assert max(p_values) < 1e-12


def test_the_other_kind_of_noise_is_rejected(
    case: Case, fit: Callable[..., tuple[float, float]]
) -> None:
    mechanism, noise = case
    other = {"discrete_gaussian": "discrete_laplace", "discrete_laplace": "discrete_gaussian"}
    same_sd = mechanism.law.scale * (2**-0.5 if "gaussian" in mechanism.law.kind else 2**0.5)
    assert max(fit(noise, other[mechanism.law.kind], same_sd)) < 1e-12


def test_sd_is_as_stated_and_the_mean_is_zero(case: Case) -> None:
    mechanism, noise = case
    released = noise / mechanism.law.factor
    assert released.std() == pytest.approx(mechanism.law.sd, rel=0.015)
    assert abs(released.mean()) < 6 * mechanism.law.sd / DRAWS**0.5


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_half_width_holds_the_noise_as_often_as_stated(case: Case, confidence: float) -> None:
    mechanism, noise = case
    inside = np.mean(np.abs(noise) / mechanism.law.factor <= mechanism.law.half_width(confidence))
    assert inside > confidence - 6 * (confidence * (1 - confidence) / DRAWS) ** 0.5


def test_neighbouring_cells_and_chunks_are_independent(case: Case) -> None:
    _, noise = case
    scaled = noise / noise.std()
    for lag in (1, 2, 100_000, 100_001):
        pairs = scaled[:-lag] * scaled[lag:]
        assert abs(pairs.mean()) < 6 / pairs.size**0.5
    assert not np.array_equal(noise[:50_000], noise[100_000:])
