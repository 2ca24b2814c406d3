"""Noise that is wrong on purpose, for negative controls. It is drawn for simulated people alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dp.bounds import Bounds
from dp.law import NoiseLaw
from dp.mechanisms import Mechanism, gaussian, laplace

if TYPE_CHECKING:
    from pipelines.release.model import PlannedMeasurement

_HALF = 2


def half_noise(one: PlannedMeasurement) -> Mechanism:
    """Return noise of half the scale that is planned."""
    law = NoiseLaw(one.law.kind, one.law.scale / _HALF, one.law.factor)
    return Mechanism(law, one.bounds)


def event_scope(one: PlannedMeasurement) -> Mechanism:
    """Return noise at the planned price that hides one event, not all that a person did."""
    unit = one.law.factor
    event = Bounds(l0=1, l1=unit, l2_squared=unit**2, linf=unit)
    make = laplace if one.law.kind == "discrete_laplace" else gaussian
    return make(event, one.allotted, unit)
