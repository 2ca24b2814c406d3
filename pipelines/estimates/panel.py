"""Weights from the panel's own noisy counts, and weights of cells whose people are mixed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.estimates.population import Floats

MAX_RELATIVE_SD = 0.2
"""A panel count noisier than this is not divided by: the delta method would no longer hold."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZoneWeights:
    """One weight per zone and one for the whole area.

    Attributes:
        weight: Shape (zones,).
        sd: Standard deviation of the weight, shape (zones,).
        base: Noisy panel count that the weight divides by, shape (zones,); infinity for public
            weights and where the weight is the area's.
        own: Whether the weight is the zone's own, shape (zones,).
        area: Weight of the whole area.
        sd_area: Its sd when it stands for people of unknown zones: the spread of the zones'
            weights is part of it.
    """

    weight: Floats
    sd: Floats
    base: Floats
    own: NDArray[np.bool_]
    area: float
    sd_area: float


def panel_weights(panel: Floats, *, sd: float, population: Floats) -> ZoneWeights:
    """Return declared population over noisy panel count, per zone.

    The relative error of P / B from the noise of B is sd_B / B (delta method, first order; the
    bias, (sd_B / B)^2, is at most 4% of the weight at the limit). A zone whose panel count is
    noisier than ``MAX_RELATIVE_SD`` gets the weight of the whole area.

    Args:
        panel: Noisy number of panel people with that overnight zone, shape (zones,).
        sd: Standard deviation of the noise of each.
        population: Declared residents, shape (zones,), above 0.

    Where even the whole panel is noisier than that, every weight is nan: no estimate is published.
    """
    whole, people = float(panel.sum()), float(population.sum())
    sd_whole = sd * float(np.sqrt(len(panel)))
    if sd_whole > MAX_RELATIVE_SD * whole:
        return _none(len(panel))
    own = sd <= MAX_RELATIVE_SD * panel
    base = np.where(own, panel, np.inf)
    area = people / whole
    weight = np.maximum(np.where(own, population / np.where(own, panel, 1.0), area), 1.0)
    share = population / people
    spread = float(np.sum(np.where(own, share * (weight - area) ** 2, 0.0)))
    sd_area = float(np.hypot(area * sd_whole / whole, np.sqrt(spread)))
    return ZoneWeights(
        weight=weight,
        sd=np.where(own, weight * sd / np.where(own, panel, 1.0), sd_area),
        base=base,
        own=own,
        area=max(area, 1.0),
        sd_area=sd_area,
    )


def _none(zones: int) -> ZoneWeights:
    nothing = np.full(zones, np.nan)
    return ZoneWeights(
        weight=nothing,
        sd=nothing,
        base=np.full(zones, np.inf),
        own=np.zeros(zones, dtype=np.bool_),
        area=np.nan,
        sd_area=np.nan,
    )


def area_weight(weight: Floats, sd: Floats, population: Floats) -> tuple[float, float]:
    """Return one weight for people whose zone is not known, and its sd.

    The panel of zone z is P_z / w_z, so the area's weight is sum P / sum (P / w). Errors of the
    zones' weights are taken as fully correlated (a census is off everywhere in one direction),
    and the spread of the zones' weights is added: nobody knows which zones these people are from.
    """
    panel = population / weight
    area = float(population.sum() / panel.sum())
    common = area * float(np.sum(panel / weight * sd)) / float(panel.sum())
    share = population / population.sum()
    spread = float(np.sum(share * (weight - area) ** 2))
    return area, float(np.hypot(common, np.sqrt(spread)))


def mixed_weights(
    mix: Floats, *, sd: float, weights: ZoneWeights
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return a weight per cell from who is there, its sd, and where the mix was precise enough.

    With x_z noisy people of overnight zone z in the cell, w = sum x_z w_z / sum x_z and, by the
    delta method, Var w = sd^2 sum (w_z - w)^2 / (sum x)^2 + (sum x_z sd_z / sum x)^2: the noise
    of the mix, and the zones' own errors taken as fully correlated.

    Args:
        mix: Noisy people by overnight zone, shape (cells, zones).
        sd: Standard deviation of the noise of each.
        weights: The zones' weights.
    """
    whole = mix.sum(axis=1)
    enough = sd * np.sqrt(mix.shape[1]) <= MAX_RELATIVE_SD * whole
    base = np.where(enough, whole, 1.0)
    weight = np.sum(mix * weights.weight, axis=1) / base
    off = np.sum((weights.weight[None, :] - weight[:, None]) ** 2, axis=1)
    own = np.sum(mix * weights.sd, axis=1) / base
    sds = np.sqrt(sd**2 * off / base**2 + own**2)
    return (
        np.maximum(np.where(enough, weight, weights.area), 1.0),
        np.where(enough, sds, weights.sd_area),
        enough,
    )
