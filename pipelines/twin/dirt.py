"""Bad rows of every kind, so that readers are seen to set them aside."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KINDS = 8
(
    _NO_SUBSCRIBER,
    _NO_TIME,
    _NO_LATITUDE,
    _LATITUDE_95,
    _LONGITUDE_200,
    _AT_0_0,
    _YEARS_BEFORE,
    _SAME_ROW_AGAIN,
) = range(_KINDS)
_LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def with_dirt(table: pa.Table, *, share: float, rng: np.random.Generator) -> pa.Table:
    """Return fixes with ``share`` bad rows per good one added at the end, all kinds in turn."""
    if share <= 0 or not len(table):
        return table
    count = max(_KINDS, round(len(table) * share))
    picked = table.take(pa.array(rng.integers(0, len(table), size=count))).combine_chunks()
    kind = np.arange(count) % _KINDS
    lat, lon = picked["lat"].to_numpy().copy(), picked["lon"].to_numpy().copy()
    lat[kind == _LATITUDE_95], lon[kind == _LONGITUDE_200] = 95.0, 200.0
    lat[kind == _AT_0_0], lon[kind == _AT_0_0] = 0.0, 0.0
    long_ago = pa.scalar(_LONG_AGO, table.schema.field("ts").type)
    ts = pc.if_else(pa.array(kind == _YEARS_BEFORE), long_ago, picked["ts"])
    bad = pa.table(
        {
            "subscriber": _emptied(picked["subscriber"].cast(pa.string()), kind == _NO_SUBSCRIBER),
            "ts": _emptied(ts, kind == _NO_TIME),
            "lat": _emptied(pa.array(lat), kind == _NO_LATITUDE),
            "lon": pa.array(lon),
        }
    )
    return pa.concat_tables([table, bad.cast(table.schema)])


def _emptied(column: pa.Array, where: NDArray[np.bool_]) -> pa.Array:
    return pc.if_else(pa.array(where), pa.scalar(None, column.type), column)
