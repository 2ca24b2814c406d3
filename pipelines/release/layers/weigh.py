"""Which weight each cell of a table gets: its overnight zone's, its people's mix, or the area's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp.keys import KeySet
from dp.postprocess import Best
from pipelines.errors import SpecError
from pipelines.estimates.panel import ZoneWeights, mixed_weights, panel_weights
from pipelines.estimates.population import Floats, Scaling
from pipelines.estimates.weights import check_weights, unknown_weight, weights_on
from pipelines.release.layers.base import Made
from pipelines.release.model import Plan, PlannedMeasurement
from pipelines.spec.estimates import PANEL
from pipelines.tables import TABLES

RESIDENCE, BIN = ("overnight", "home"), "bin"
MIX = "presence_by_overnight"
SOURCES = ("zone", "mix", "area")
ZONE_OWN, MIXED, AREA = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighed:
    """The weights of one table's cells on one date.

    Attributes:
        scaling: Weights and their errors; nan where no weight can be given.
        source: Position in ``SOURCES`` of each cell, shape (cells,).
    """

    scaling: Scaling
    source: NDArray[np.int64]


def by_panel(plan: Plan) -> bool:
    """Return whether the weights are made of the panel's own noisy counts."""
    return plan.spec.estimates is not None and plan.spec.estimates.weights == PANEL


def estimate_faults(plan: Plan) -> list[str]:
    """Return what keeps the plan's estimates from being made, as sentences; free."""
    said, zones = plan.spec.estimates, plan.world.zones
    if said is None:
        return []
    if said.weights == PANEL:
        bare = [z for z, p in zip(zones.ids, zones.population, strict=True) if not p]
        found = []
        if PANEL not in plan.tables:
            found.append(
                'estimates: weights = "panel" needs the table panel. Add [[tables]] table = "panel"'
                " or name a weights file."
            )
        if bare:
            found.append(
                f'estimates: weights = "panel" needs a declared population of every zone, and'
                f' "{bare[0]}" has none. Write [zones] population, or name a weights file.'
            )
        return found
    found = check_weights(plan.spec.weight_rows, zones=zones.ids)
    if found:
        return found
    try:
        for one in (one for name in plan.tables for one in plan.of(name)):
            for stratum in _strata(plan, one.keys):
                _from_file(plan, one, stratum)
    except SpecError as fault:
        return [str(fault)]
    return []


def weigh(made: Made, one: PlannedMeasurement, noisy: Best) -> Weighed:
    """Return the weights of a table's cells on one date.

    A panel of one date says nothing of a table that reads many, in which more people are seen: with
    panel weights such a table gets none.

    Weights are made of raw measurements, whose noise is independent. A consistent cell's covariance
    with the raw count that its weight divides by is its own variance: the best estimate of a cell
    has with every unbiased estimate of it, from the same measurements, its own variance in common,
    and cells of other classes of hours lie in other trees.
    """
    if by_panel(made.plan) and TABLES[one.table].spans:
        return _none(noisy.keys.size)
    keys, strata = noisy.keys, _strata(made.plan, noisy.keys)
    parts = [(_cells(keys, stratum), _zone_weights(made, one, stratum)) for stratum in strata]
    size = keys.size
    weight, sd, base = np.full(size, np.nan), np.full(size, np.nan), np.full(size, np.inf)
    source = np.full(size, AREA, dtype=np.int64)
    for cells, zones in parts:
        if lives_in(keys) is not None:
            found = _by_residence(made, one, keys, cells=cells, zones=zones)
        else:
            found = _by_mix(made, one, keys, cells=cells, zones=zones)
        weight[cells], sd[cells], base[cells], source[cells] = found
    same = one.table == PANEL and by_panel(made.plan)
    covariance = np.where(np.isfinite(base) & same, noisy.sd**2, 0.0)
    scaling = Scaling(weight=weight, sd_weight=sd, covariance=covariance, share_base=base)
    return Weighed(scaling=scaling, source=source)


def _none(size: int) -> Weighed:
    unknown, zero = np.full(size, np.nan), np.zeros(size)
    scaling = Scaling(
        weight=unknown, sd_weight=unknown, covariance=zero, share_base=np.full(size, np.inf)
    )
    return Weighed(scaling=scaling, source=np.full(size, AREA, dtype=np.int64))


def lives_in(keys: KeySet) -> str | None:
    """Return the key that says where a person spends the night or lives; None without one."""
    return next((name for name in RESIDENCE if name in keys.names), None)


def _strata(plan: Plan, keys: KeySet) -> list[dict[str, str]]:
    """Return the combinations of stratum values that both the weights file and the keys know."""
    columns = dict.fromkeys(c for row in plan.spec.weight_rows for c, _ in row.stratum)
    found: list[dict[str, str]] = [{}]
    for key in keys.keys:
        if key.name in columns:
            found = [{**one, key.name: str(value)} for one in found for value in key.values]
    return found


def _cells(keys: KeySet, stratum: dict[str, str]) -> NDArray[np.int64]:
    mask = np.ones(keys.size, dtype=np.bool_)
    for name, value in stratum.items():
        values = [str(v) for v in keys.keys[keys.position(name)].values]
        mask &= keys.codes(name) == values.index(value)
    return np.flatnonzero(mask)


def _from_file(plan: Plan, one: PlannedMeasurement, stratum: dict[str, str]) -> ZoneWeights:
    zones = plan.world.zones
    return weights_on(
        plan.spec.weight_rows,
        date=one.date,
        zones=zones.ids,
        population=zones.population,
        stratum=stratum,
    )


def _zone_weights(made: Made, one: PlannedMeasurement, stratum: dict[str, str]) -> ZoneWeights:
    if not by_panel(made.plan):
        return _from_file(made.plan, one, stratum)
    panel = next(p for p in made.plan.of(PANEL) if p.date == one.date)
    noisy, zones = made.recall(panel), made.plan.world.zones
    whole = np.bincount(noisy.keys.codes(RESIDENCE[0]), weights=noisy.values)
    counts = whole[: len(zones)].astype(np.float64)
    classes = noisy.keys.size // len(noisy.keys.keys[noisy.keys.position(RESIDENCE[0])])
    people = np.array([float(p or 0) for p in zones.population])
    return panel_weights(counts, sd=panel.law.sd * np.sqrt(classes), population=people)


Found = tuple[Floats, Floats, Floats, NDArray[np.int64]]


def _by_residence(
    made: Made,
    one: PlannedMeasurement,
    keys: KeySet,
    *,
    cells: NDArray[np.int64],
    zones: ZoneWeights,
) -> Found:
    """Return weights by the cell's own overnight zone, or home.

    With panel weights people of unknown zone get none: those whose zone is known stand for the
    whole population already.
    """
    rows = made.plan.spec.weight_rows
    beside = unknown_weight(rows, date=one.date, weights=zones) if rows else (np.nan, np.nan)
    key = lives_in(keys) or ""
    extra = len(keys.keys[keys.position(key)]) - len(zones.weight)
    at = keys.codes(key)[cells]

    def lifted(own: Floats, other: float) -> Floats:
        return np.concatenate([own, np.full(extra, other)])[at]

    source = np.concatenate([np.where(zones.own, ZONE_OWN, AREA), np.full(extra, AREA)])[at]
    return (
        lifted(zones.weight, beside[0]),
        lifted(zones.sd, beside[1]),
        lifted(zones.base, np.inf),
        source.astype(np.int64),
    )


def _by_mix(
    made: Made,
    one: PlannedMeasurement,
    keys: KeySet,
    *,
    cells: NDArray[np.int64],
    zones: ZoneWeights,
) -> Found:
    """Return weights by the overnight zones of the people in the cell's zone (of origin)."""
    count, size = len(zones.weight), len(cells)
    weight, sd = np.full(size, zones.area), np.full(size, zones.sd_area)
    source = np.full(size, AREA, dtype=np.int64)
    place = next((k.name for k in keys.keys if _holds(k.values, made.plan.world.zones.ids)), None)
    mixes = [p for p in made.plan.of(MIX) if p.date == one.date]
    if place is None or not mixes:
        return weight, sd, np.full(size, np.inf), source
    noisy = made.recall(mixes[0])
    own = (BIN, RESIDENCE[0], "zone")
    if noisy.keys.names != own:
        return weight, sd, np.full(size, np.inf), source
    cube = noisy.values.reshape([len(k) for k in noisy.keys.keys])[:, :count, :]
    timed = BIN in keys.names and one.params.model_dump().get("bin_minutes") == mixes[
        0
    ].params.model_dump().get("bin_minutes")
    slices = list(cube) if timed else [cube.sum(axis=0)]
    noise = mixes[0].law.sd * np.sqrt(1 if timed else len(cube))
    slot = keys.codes(BIN)[cells] if timed else np.zeros(size, dtype=np.int64)
    at = keys.codes(place)[cells]
    for number, mix in enumerate(slices):
        here = slot == number
        mixed, error, enough = mixed_weights(mix.T, sd=noise, weights=zones)
        weight[here], sd[here] = mixed[at[here]], error[at[here]]
        source[here] = np.where(enough, MIXED, AREA)[at[here]]
    return weight, sd, np.full(size, np.inf), source


def _holds(values: tuple[str | int, ...], zones: tuple[str, ...]) -> bool:
    return values[: len(zones)] == zones
