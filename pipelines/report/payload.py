"""The numbers that the page's charts draw, as one JSON value. No statistics happen in the page."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.report.layers import WHOLE, Frame, Layer
from pipelines.report.mapping import Shapes
from pipelines.report.totals import Daily, Estimate, Flow, city_of

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PLACES = 2


def date_text(date: dt.date) -> str:
    """Return "Mon 2 Mar", the same in every locale.

    >>> date_text(dt.date(2026, 3, 2))
    'Mon 2 Mar'
    """
    return f"{_WEEKDAYS[date.weekday()]} {date.day} {_MONTHS[date.month - 1]}"


def number(value: float) -> float | int | None:
    """Return a number as short as the page needs it; None where there is no value."""
    if not math.isfinite(value):
        return None
    short = round(value, _PLACES)
    return int(short) if short == int(short) else short


def map_payload(shapes: Shapes, *, ids: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """Return the zones: ids, names, shapes in kilometres, scale bar."""
    return {
        "ids": list(ids),
        "names": list(names),
        "geometry": shapes.geometry,
        "centres": shapes.centres_km,
        "areas": shapes.areas_km2,
        "width": shapes.width_km,
        "height": shapes.height_km,
        "bar": shapes.bar_km,
    }


def layer_payload(layer: Layer, *, most_cells: int) -> dict[str, Any]:
    """Return a layer: frames by date and slot, city totals, labels; hours only where they fit."""
    frames = [frame for row in layer.frames for frame in row if frame is not None]
    fits = sum(len(frame.value) for frame in frames) <= most_cells
    slots = layer.slots if fits else (WHOLE,)
    kept = [layer.slots.index(slot) for slot in slots]
    city = city_of(layer)
    return {
        "table": layer.table,
        "title": layer.title,
        "counts": layer.counts,
        "dates": [date_text(date) for date in layer.dates],
        "slots": list(slots),
        "hoursLeftOut": not fits,
        "frames": [[_frame(row[k]) for k in kept] for row in layer.frames],
        "city": [[_point(row[k]) for k in range(len(layer.slots))] for row in city],
        "citySlots": list(layer.slots),
    }


def daily_payload(totals: Sequence[Daily]) -> list[dict[str, Any]]:
    """Return the city's totals by date."""
    return [
        {
            "table": one.table,
            "title": one.title,
            "counts": one.counts,
            "points": [
                {"date": date_text(dt.date.fromisoformat(p.label)), **_interval(p)}
                for p in one.points
            ],
        }
        for one in totals
    ]


def flows_payload(flows: Sequence[Flow]) -> list[list[float | int | None]]:
    """Return flows as [origin, destination, value, half-width, 1 where clear of noise]."""
    return [[f.origin, f.destination, number(f.value), number(f.half), int(f.clear)] for f in flows]


def bars_payload(estimates: Sequence[Estimate]) -> list[dict[str, Any]]:
    """Return labelled numbers with their intervals."""
    return [{"label": one.label, **_interval(one)} for one in estimates]


def _interval(one: Estimate) -> dict[str, Any]:
    return {
        "value": number(one.value),
        "lo": number(one.value - one.half),
        "hi": number(one.value + one.half),
    }


def _point(one: Estimate | None) -> list[float | int | None] | None:
    return None if one is None else [number(one.value), number(one.half)]


def _frame(frame: Frame | None) -> dict[str, Any] | None:
    if frame is None:
        return None
    half = frame.half
    same = bool(len(half)) and len(set(np.round(half, _PLACES).tolist())) == 1
    return {
        "v": _numbers(frame.value),
        "h": number(float(half[0])) if same else _numbers(half),
        "q": "".join(map(str, frame.status.tolist())),
    }


def _numbers(values: NDArray[np.float64]) -> list[float | int | None]:
    short = np.round(values, _PLACES)
    if np.isfinite(short).all() and np.all(short == np.trunc(short)):
        whole: list[float | int | None] = short.astype(np.int64).tolist()
        return whole
    return [number(value) for value in values.tolist()]
