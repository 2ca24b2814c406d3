"""Whole units of 1e-7 degree, counted from the south-west corner of the world map.

A point is ``floor(degrees * 1e7 + 0.5)`` on each axis, as in ``lat_e7`` and ``lon_e7``. Adding
``EAST`` and ``NORTH`` makes every coordinate non-negative, so that integer division and shifts
mean the same in every engine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

E7 = 10_000_000
EAST = 180 * E7
NORTH = 90 * E7
AROUND = 2 * EAST
_ORIGIN = np.array([EAST, NORTH])

_WGS84_A_M = 6_378_137.0
_WGS84_F = 1 / 298.257223563

Shapes = NDArray[np.object_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def x_sql(alias: str = "p") -> str:
    """Return the SQL of a point's units east of 180 W: BIGINT, in [0, AROUND); 180 E is 180 W."""
    east = f"{alias}.lon_e7"
    return f"(CASE WHEN {east} = {EAST} THEN 0 ELSE CAST({east} AS BIGINT) + {EAST} END)"


def y_sql(alias: str = "p") -> str:
    """Return the SQL of a point's units north of the South Pole: BIGINT, in [0, EAST]."""
    return f"(CAST({alias}.lat_e7 AS BIGINT) + {NORTH})"


def to_units(shapes: Any) -> Shapes:
    """Return shapes in degrees as shapes in whole units, each vertex snapped by itself."""
    return np.asarray(shapely.transform(shapes, _snap), dtype=object)


def to_degrees(shapes: Any) -> Shapes:
    """Return shapes in whole units as shapes in degrees; ``to_units`` gives them back exactly."""
    return np.asarray(shapely.transform(shapes, _unsnap), dtype=object)


def area_m2(shapes: Any) -> Floats:
    """Return the area of shapes in degrees on the WGS 84 ellipsoid, in square metres."""
    flat = shapely.transform(shapes, _equal_area)
    return np.asarray(shapely.area(flat), dtype=np.float64)


def band_m2(south_deg: Floats, north_deg: Floats) -> Floats:
    """Return the area between two parallels all around the ellipsoid, in square metres."""
    ends = (_authalic(np.radians(deg)) for deg in (south_deg, north_deg))
    south, north = ends
    return np.asarray(np.pi * _WGS84_A_M**2 * (north - south), dtype=np.float64)


def distinct(values: Ints) -> Ints:
    """Return sorted distinct integers; for millions of them much faster than ``numpy.unique``."""
    ordered = np.sort(values)
    return ordered[np.flatnonzero(np.diff(ordered, prepend=-1))]


def _snap(degrees: Floats) -> Floats:
    return np.asarray(np.floor(degrees * E7 + 0.5) + _ORIGIN, dtype=np.float64)


def _unsnap(units: Floats) -> Floats:
    return np.asarray((units - _ORIGIN) / E7, dtype=np.float64)


def _equal_area(degrees: Floats) -> Floats:
    radians = np.radians(degrees)
    east = _WGS84_A_M * radians[:, 0]
    north = _WGS84_A_M / 2 * _authalic(radians[:, 1])
    return np.column_stack([east, north])


def _authalic(latitude: Floats) -> Floats:
    """Return Snyder's q (USGS Professional Paper 1395, equation 3-12) of latitudes in radians."""
    square = _WGS84_F * (2 - _WGS84_F)
    e = np.sqrt(square)
    sine = np.sin(latitude)
    log = np.log((1 - e * sine) / (1 + e * sine)) / (2 * e)
    return np.asarray((1 - square) * (sine / (1 - square * sine**2) - log), dtype=np.float64)
