"""Columns of a zone file as published text and numbers. Zones are public: messages may name ids."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import geopandas as gpd
import pandas as pd

from pipelines.errors import ZoneError

_SHOWN = 5
_MOST_PEOPLE = 20_000_000_000


def ids(frame: gpd.GeoDataFrame, column: str, *, where: str) -> list[str]:
    """Return a column of zone ids as text, one a row.

    Raises:
        ZoneError: no such column, an id is missing, broken or repeated.
    """
    texts = _texts(frame, column, where=where, role="id")
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            raise ZoneError(
                f"{where}: feature {number} has no id in column {column!r}. "
                "Give each zone an id or name another column."
            )
    repeated = sorted(text for text, count in Counter(texts).items() if count > 1)
    if repeated:
        raise ZoneError(
            f"{where}: column {column!r} repeats {listed(repeated)}. Zone ids must differ: "
            "dissolve the parts into one zone or name another column."
        )
    return texts


def labels(frame: gpd.GeoDataFrame, column: str | None, *, role: str, where: str) -> list[str]:
    """Return a column of names or parent ids as text, "" where it is missing or not mapped.

    Raises:
        ZoneError: no such column, or a value that is not text or a whole number.
    """
    if column is None:
        return [""] * len(frame)
    return _texts(frame, column, where=where, role=role)


def population(
    frame: gpd.GeoDataFrame, column: str | None, *, zones: Sequence[str], where: str
) -> list[int | None]:
    """Return a column of declared residents, None where it is missing or not mapped.

    Raises:
        ZoneError: no such column, or a value that is not a whole number of 0 or more.
    """
    if column is None:
        return [None] * len(frame)
    counts: list[int | None] = []
    values = _values(frame, column, where=where, role="population")
    for zone, value in zip(zones, values, strict=True):
        count = None if _missing(value) else _count(value)
        if count is not None and not 0 <= count <= _MOST_PEOPLE:
            raise ZoneError(
                f"{where}: column {column!r} of zone {zone!r} is {value!r}. "
                "A population is a whole number from 0 to 20 billion, or empty where unknown."
            )
        counts.append(count)
    return counts


def listed(names: Sequence[str]) -> str:
    """Return the first few names, quoted, and how many more there are."""
    return shown([repr(name) for name in names])


def shown(texts: Sequence[str]) -> str:
    """Return the first few texts and how many more there are."""
    few = ", ".join(texts[:_SHOWN])
    more = len(texts) - _SHOWN
    return f"{few} and {more} more" if more > 0 else few


def _texts(frame: gpd.GeoDataFrame, column: str, *, where: str, role: str) -> list[str]:
    texts: list[str] = []
    for number, value in enumerate(_values(frame, column, where=where, role=role), start=1):
        text = "" if _missing(value) else _text(value)
        if text is None:
            raise ZoneError(
                f"{where}: column {column!r} ({role}) of feature {number} is {value!r}. "
                "Write it as text or as a whole number."
            )
        texts.append(text)
    return texts


def _values(frame: gpd.GeoDataFrame, column: str, *, where: str, role: str) -> list[Any]:
    columns = [str(name) for name in frame.columns if name != frame.geometry.name]
    if column not in columns:
        there = ", ".join(columns) or "none"
        raise ZoneError(f"{where}: no column {column!r} ({role}). Its columns are {there}.")
    return list(frame[column].tolist())


def _missing(value: Hashable) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or value != value  # noqa: PLR0124 NaN


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(int(value)) if float(value).is_integer() else None


def _count(value: Any) -> int:
    """Return a whole number, or -1 for what is none."""
    if isinstance(value, str):
        return int(value) if value.strip().isascii() and value.strip().isdigit() else -1
    if isinstance(value, bool) or not isinstance(value, int | float):
        return -1
    return int(value) if math.isfinite(value) and float(value).is_integer() else -1
