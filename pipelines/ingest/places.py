"""Places of records: degrees to whole numbers, or zone ids to zone numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipelines.schemas.zones import ZoneSet

E7 = "1e7"
ZONE_PLACES = "ingest_zone_places"
"""The relation that ``zone_places`` fills."""
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\z"


def degrees(column: str, *, text: bool) -> str:
    """Return SQL for a coordinate as a DOUBLE, NULL for what is no number."""
    if not text:
        return f"CAST({column} AS DOUBLE)"
    return f"CASE WHEN REGEXP_MATCHES({column}, '{_NUMBER}') THEN TRY_CAST({column} AS DOUBLE) END"


def possible(lat: str, lon: str) -> str:
    """Return SQL: whether two coordinates can be a place; never NULL.

    Missing, not a number, infinite and out of range are impossible, and so is exactly (0, 0): it
    lies in the open sea, and it is what devices and databases write for a place they do not know.
    """
    return (
        f"COALESCE({lat} BETWEEN -90 AND 90 AND {lon} BETWEEN -180 AND 180 "
        f"AND NOT ({lat} = 0 AND {lon} = 0), FALSE)"
    )


def e7(column: str) -> str:
    """Return SQL for a possible coordinate in 10^-7 degrees: floor(degrees * 10^7 + 0.5)."""
    return f"CAST(FLOOR({column} * {E7} + 5e-1) AS INTEGER)"


def zone_places(zones: ZoneSet) -> pa.Table:
    """Return each zone id with its number and its representative point, all public.

    Columns ``id`` (text), ``zone``, ``lat_e7``, ``lon_e7`` (int32). The point lies inside the zone.
    """
    points = zones.frame.geometry.representative_point()
    columns = {
        "lat_e7": np.floor(points.y.to_numpy() * 1e7 + 0.5).astype(np.int32),
        "lon_e7": np.floor(points.x.to_numpy() * 1e7 + 0.5).astype(np.int32),
    }
    return pa.table(
        {
            "id": pa.array(zones.ids, pa.string()),
            "zone": pa.array(range(len(zones.ids)), pa.int32()),
            **columns,
        }
    )
