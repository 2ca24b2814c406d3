"""City totals, flows and the panel: sums of published rows with the noise that belongs to them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pipelines.report.folded import Z95, columns_of, fold
from pipelines.report.layers import WHOLE, Frame, Layer

UNKNOWN = "unknown"
_MOST_FLOWS = 4_000
_ANY_BY_CHANCE = 0.05
_DAILY = {
    "panel": ("People in the panel", "people"),
    "presence": ("People present in the zones, mean of the date", "people"),
    "visits": ("Stays: person and zone", "stays"),
    "od_flows": ("Trips between zones", "trips"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its noise.

    Attributes:
        label: What it is of.
        value, sd, half: Estimate, standard deviation, half-width of the 95% interval.
        key: Zone id or "", for linking.
    """

    label: str
    value: float
    sd: float
    half: float
    key: str = ""

    def named(self, label: str) -> Estimate:
        """Return it under another label."""
        return replace(self, label=label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """A table's total over the whole city by date."""

    table: str
    title: str
    counts: str
    points: tuple[Estimate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Trips from one zone to another: the mean of the release's dates.

    Attributes:
        origin, destination: Positions of the zones.
        value, half: Estimate and half-width of the 95% interval.
        clear: Whether it stands clear of the noise of *all* pairs: if no pair had any trips, the
            chance that even one passed this mark would be at most 5%.
    """

    origin: int
    destination: int
    value: float
    half: float
    clear: bool


def daily_totals(folder: Path, tables: Sequence[str]) -> tuple[Daily, ...]:
    """Return the city's total per date for every table that has one.

    The sd of a sum of n independent cells is sd sqrt(n), of a table at several levels that of the
    city; presence is divided by its bins.
    """
    found = []
    for table, (title, counts) in _DAILY.items():
        if table not in tables:
            continue
        path = folder / "tables" / f"{table}.parquet"
        binned = "bin" in columns_of(path)
        folded = fold(path, ("date", "bin") if binned else ("date",))
        value, var = folded.value, folded.var
        if binned:
            bins = np.maximum((folded.rows > 0).sum(axis=1), 1)
            value = np.where(folded.rows > 0, value, 0.0).sum(axis=1) / bins
            var = var.sum(axis=1) / bins**2
        points = _estimates([_date_label(date) for date in folded.labels[0]], value, var)
        found.append(Daily(table=table, title=title, counts=counts, points=points))
    return tuple(found)


def city_of(layer: Layer) -> list[list[Estimate | None]]:
    """Return the sum over zones of every frame: by date (the mean of all last) and slot."""
    return [
        [
            None
            if frame is None
            else _estimate(slot or "mean", float(frame.value.sum()), _city_variance(frame))
            for slot, frame in zip(layer.slots, row, strict=True)
        ]
        for row in layer.frames
    ]


def _city_variance(frame: Frame) -> float:
    return float((frame.sd**2).sum()) if frame.city is None else frame.city


def clear_mark(pairs: int, *, heavy: bool) -> float:
    """Return how many sd above 0 a value must be to stand clear of ``pairs`` pure noises.

    Bonferroni's bound at 5%. ``heavy`` is for Laplace noise: the mark is then right for single
    draws, and more than enough for sums of several, whose tails are lighter.

    >>> round(clear_mark(1, heavy=False), 2), round(clear_mark(5_000, heavy=False), 2)
    (1.64, 4.26)
    >>> round(clear_mark(5_000, heavy=True), 2)
    7.65
    """
    if heavy:
        return math.log(pairs / (2.0 * _ANY_BY_CHANCE)) / math.sqrt(2.0)
    return NormalDist().inv_cdf(1.0 - _ANY_BY_CHANCE / pairs)


def largest_flows(folder: Path, zones: Sequence[str], *, heavy: bool) -> tuple[Flow, ...]:
    """Return flows by falling value: the mean per date, structural zeros left out.

    Args:
        folder: The release folder.
        zones: Zone ids in published order.
        heavy: Whether the noise has Laplace's tails.
    """
    path = folder / "tables" / "od_flows.parquet"
    dates = len(fold(path, ("date",)).labels[0])
    folded = fold(path, ("origin", "destination"))
    at = {zone: i for i, zone in enumerate(zones)}
    origins = np.array([at[zone] for zone in folded.labels[0]])
    destinations = np.array([at[zone] for zone in folded.labels[1]])
    measured = (folded.var > 0) & np.isfinite(folded.value)
    i, j = np.nonzero(measured)
    if not len(i):
        return ()
    mark = clear_mark(len(i), heavy=heavy)
    order = np.argsort(-folded.value[i, j], kind="stable")[:_MOST_FLOWS]
    return tuple(
        Flow(
            origin=int(origins[a]),
            destination=int(destinations[b]),
            value=float(folded.value[a, b]) / dates,
            half=float(folded.half[a, b]) / dates,
            clear=bool(folded.value[a, b] > mark * folded.sd[a, b]),
        )
        for a, b in zip(i[order], j[order], strict=True)
    )


def panel_shares(folder: Path) -> tuple[tuple[Estimate, ...], tuple[Estimate, ...]]:
    """Return the panel by overnight zone and by observed hours: means of the release's dates."""
    path = folder / "tables" / "panel.parquet"
    dates = len(fold(path, ("date",)).labels[0])
    parts = []
    for column in ("overnight", "observed_hours"):
        folded = fold(path, (column,))
        labels = [str(label) for label in folded.labels[0]]
        parts.append(_estimates(labels, folded.value / dates, folded.var / dates**2))
    return parts[0], parts[1]


def mean_of_dates(layer: Layer) -> list[tuple[float, float, int]]:
    """Return value, half-width and status of every zone for the mean of all dates."""
    frame = layer.frames[-1][layer.slots.index(WHOLE)]
    assert frame is not None, "the mean of a date is always there"
    return list(zip(frame.value.tolist(), frame.half.tolist(), frame.status.tolist(), strict=True))


def _estimates(
    labels: Sequence[str], value: NDArray[np.float64], var: NDArray[np.float64]
) -> tuple[Estimate, ...]:
    return tuple(
        _estimate(label, float(v), float(s)) for label, v, s in zip(labels, value, var, strict=True)
    )


def _estimate(label: str, value: float, var: float) -> Estimate:
    sd = float(np.sqrt(var))
    return Estimate(label=label, value=value, sd=sd, half=Z95 * sd, key=label)


def _date_label(date: dt.date) -> str:
    return date.isoformat()
