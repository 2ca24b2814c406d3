"""Check-ins: visit records with a start, an end and a kind of place, as local text times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.twin.day import HOME, PLACE_KINDS
from pipelines.twin.ground import degrees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.schemas.calendar import MobilityDay
    from pipelines.twin.day import Day
    from pipelines.twin.people import Phones

_TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
_BAD_ROWS: tuple[dict[str, Any], ...] = (
    {"start": "soon"},
    {"subscriber": None},
    {"lat": None, "lon": None},
    {"end": "1999-12-31 23:59:59"},
)
"""Each of these faults is written once on every date."""


def make_checkins(
    day: Day, *, span: MobilityDay, phones: Phones, of: NDArray[np.int64], zone: str
) -> pa.Table:
    """Return one date's check-ins of the people numbered in ``of``.

    Columns: subscriber, start, end (text in the local time of ``zone``), lat, lon, category. All
    stops away from home are there, and ends at the date's end where the stop goes on.
    """
    stops = day.used[of] & (day.kind[of] != HOME) & (day.arrive[of] < span.length_s)
    row, stop = np.nonzero(stops)
    person = of[row]
    lon_lat = np.round(degrees(day.place_m[person, stop]), 6)
    ends = np.minimum(day.leave[person, stop], span.length_s)
    good = pa.table(
        {
            "subscriber": pa.array(phones.ids[person]),
            "start": _local(span.start_s + day.arrive[person, stop], zone),
            "end": _local(span.start_s + ends, zone),
            "lat": lon_lat[:, 1],
            "lon": lon_lat[:, 0],
            "category": pa.array(np.array(PLACE_KINDS)[day.kind[person, stop]]),
        }
    )
    first = good.slice(0, len(_BAD_ROWS)).to_pylist()
    rows = [row | fault for row, fault in zip(first, _BAD_ROWS, strict=False)]
    return pa.concat_tables([good, pa.Table.from_pylist(rows, schema=good.schema)])


def _local(instant_s: NDArray[np.float64], zone: str) -> pa.Array:
    stamps = pa.array(instant_s.astype(np.int64)).cast(pa.timestamp("s", tz=zone))
    return pc.strftime(stamps, format=_TIME_FORMAT)
