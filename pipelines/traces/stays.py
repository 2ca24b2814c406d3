"""Stays: runs that lasted, or that a visit record declares."""

from __future__ import annotations

from pipelines.schemas.traces import MINUTE_S, TraceParams


def stays_sql(params: TraceParams) -> str:
    """Return the SELECT of ``stays``: runs of at least ``min_dwell``, and declared ones."""
    return (
        "SELECT d, person, zone, t_start, t_end, lat_e7, lon_e7 FROM runs "
        f"WHERE t_end - t_start >= {params.min_dwell_minutes * MINUTE_S} OR declared"
    )
