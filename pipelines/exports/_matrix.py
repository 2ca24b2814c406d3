"""Square matrices of zones: row = origin, column = destination, in published order."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from pipelines.exports._csv import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray


def by_date(frame: pd.DataFrame, *, ids: list[str]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield each date and its values as a matrix; NaN where missing or without a row.

    Args:
        frame: ``date``, ``origin``, ``destination``, ``value``.
        ids: Zone ids in published order.
    """
    at = {zone: i for i, zone in enumerate(ids)}
    for date, rows in frame.groupby(frame["date"].dt.strftime("%Y-%m-%d"), sort=True):
        place = (rows["origin"].map(at).to_numpy(int), rows["destination"].map(at).to_numpy(int))
        values = np.full((len(ids), len(ids)), np.nan)
        values[place] = rows["value"].to_numpy(float)
        yield str(date), values


def mean_of_dates(matrices: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean of each cell over the dates on which it has a value; NaN where none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a cell without any value stays NaN
        return np.asarray(np.nanmean(np.stack(matrices), axis=0), dtype=float)


def whole(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers rounded to whole ones; NaN stays NaN and no 0 is negative."""
    return np.asarray(np.rint(values) + 0.0, dtype=float)


def square(matrix: NDArray[np.float64], *, ids: list[str]) -> dict[str, list[str]]:
    """Return a matrix as columns of text, zone ids as first column and as names of the others."""
    columns = {"origin": ids}
    for zone, column in zip(ids, matrix.T.tolist(), strict=True):
        columns[zone] = numbers(column)
    return columns


def distances_km(zones: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return geodesic distances on the WGS 84 ellipsoid between points inside zones, in km."""
    from pyproj import Geod

    points = zones.geometry.representative_point()
    lon, lat = points.x.to_numpy(), points.y.to_numpy()
    size = len(lon)
    ends = (np.repeat(lon, size), np.repeat(lat, size), np.tile(lon, size), np.tile(lat, size))
    metres = Geod(ellps="WGS84").inv(*ends)[2]
    return np.round(np.asarray(metres, dtype=float).reshape(size, size) / 1000, 3) + 0.0
