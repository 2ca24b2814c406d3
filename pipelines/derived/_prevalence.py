"""A public file of prevalence by zone, with its standard deviation."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from dp.postprocess import Moments
from pipelines.schemas.inputs import PublicInput
from pipelines.schemas.world import World

_COLUMNS = ("zone", "prevalence", "sd")


@dataclass(frozen=True, slots=True, eq=False)
class Prevalence:
    """Prevalence by zone, one for all dates (key None) or one for each.

    Attributes:
        by_date: Value and variance by zone in published order.
    """

    by_date: dict[dt.date | None, Moments]

    def on(self, date: dt.date) -> Moments:
        """Return the prevalence of a date."""
        return self.by_date[None] if None in self.by_date else self.by_date[date]


def read_prevalence(file: PublicInput, world: World) -> tuple[Prevalence, list[str]]:
    """Return the prevalence in a CSV file (zone, prevalence, sd and perhaps date), and its faults.

    Every zone needs one row, for every date where the file has dates.
    """
    try:
        lines = list(csv.reader(io.StringIO(file.text())))
    except csv.Error as fault:
        return Prevalence({}), [f"the prevalence file cannot be read as CSV: {fault}."]
    names = set(lines[0]) if lines else set()
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        return Prevalence({}), [
            f"the prevalence file has no column {missing[0]}. Write zone,prevalence,sd (and date)."
        ]
    dated = "date" in names
    dates = [day.date for day in world.calendar.dates] if dated else [None]
    at = {zone: i for i, zone in enumerate(world.zones.ids)}
    found = {date: np.full((2, len(at)), np.nan) for date in dates}
    faults: list[str] = []
    for number, cells in enumerate(lines[1:], start=2):
        if not cells:
            continue
        row = dict(zip_longest(lines[0], cells[: len(lines[0])], fillvalue=""))
        try:
            date = dt.date.fromisoformat(row["date"]) if dated else None
            pair = (float(row["prevalence"]), float(row["sd"]))
        except (TypeError, ValueError):
            return Prevalence({}), [
                f"line {number} of the prevalence file is not date and numbers."
            ]
        if not (math.isfinite(sum(pair)) and 0 <= pair[0] <= 1 and pair[1] >= 0):
            faults.append(f"line {number}: prevalence must be a part from 0 to 1, sd 0 or more.")
        elif date in found and row["zone"] in at:
            found[date][:, at[row["zone"]]] = pair
    faults += _holes(found, world)
    return Prevalence({d: Moments(p[0], p[1] ** 2) for d, p in found.items()}), faults[:3]


def _holes(found: dict[dt.date | None, NDArray[np.float64]], world: World) -> list[str]:
    faults = []
    for date, pairs in found.items():
        holes = np.flatnonzero(np.isnan(pairs[0]))
        if holes.size:
            when = f" on {date}" if date else ""
            faults.append(
                f"the prevalence file has no row for zone {world.zones.ids[holes[0]]}{when}"
                f" ({holes.size} zones lack one). Write one row for every zone."
            )
    return faults
