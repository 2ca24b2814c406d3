"""Intervals: as wide as the noise, nothing where there is none."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from dp.keys import Key, KeySet
from dp.law import NoiseLaw
from dp.loss import Loss, Rho
from dp.postprocess import intervals
from dp.tables import Noisy

ZONES = tuple(range(200))
KEYS = KeySet(
    (Key("origin", ZONES), Key("destination", ZONES)), distinct=(("origin", "destination"),)
)


def _noisy(law: NoiseLaw, lattice: np.ndarray) -> Noisy:
    return Noisy(
        table="od_flows",
        reads=(dt.date(2026, 3, 2),),
        keys=KEYS,
        law=law,
        loss=Loss(Rho.of("1/2")),
        lattice=lattice,
    )


def test_ends_are_the_value_plus_and_minus_one_half_width() -> None:
    law = NoiseLaw("discrete_gaussian", 4096.0, 4096)
    lattice = np.where(KEYS.measured, -4096, 0)
    low, high = intervals(_noisy(law, lattice))
    assert high[KEYS.measured] == pytest.approx(-1 + law.half_width(0.95))
    assert low[KEYS.measured] == pytest.approx(-1 - law.half_width(0.95))
    assert not low[~KEYS.measured].any()
    assert not high[~KEYS.measured].any()


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_they_hold_the_truth_as_often_as_stated(confidence: float) -> None:
    from dp.bounds import Bounds
    from dp.mechanisms import gaussian

    bounds = Bounds(l0=100, l1=100, l2_squared=100, linf=1)
    mechanism = gaussian(bounds, Rho.of("1/8"))
    drawn = np.where(KEYS.measured, mechanism.draw(np.zeros(KEYS.size, dtype=np.int64)), 0)
    low, high = intervals(_noisy(mechanism.law, drawn), confidence)
    held = np.mean(((low <= 0) & (high >= 0))[KEYS.measured])
    assert confidence - 0.02 < held < confidence + 0.04  # sd 0.25 points; steps add up to 2.5


def test_a_confidence_in_percent_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        intervals(_noisy(NoiseLaw("discrete_gaussian", 5.0), np.zeros(40_000, np.int64)), 95)
