"""Stays: runs that lasted, or that a visit record declares; and where those of movers were."""

from __future__ import annotations

from pipelines.schemas.traces import MINUTE_S, TraceParams
from pipelines.traces.runs import records_of

_SHIFT = 3_600_000_000


def stays_sql(params: TraceParams) -> str:
    """Return the SELECT of ``stays``: runs of at least ``min_dwell``, and declared ones."""
    return (
        "SELECT d, person, zone, t_start, t_end, t_first, t_seen FROM runs "
        f"WHERE t_end - t_start >= {params.min_dwell_minutes * MINUTE_S} OR declared"
    )


def spots_sql() -> str:
    """Return the SELECT of ``spots``: the stays of who stayed in two zones, with their middles.

    Who stayed in one zone makes no trip, and is spared this second look at the records.
    """
    box = ", ".join(f"MIN(p.{c}) AS {c}_low, MAX(p.{c}) AS {c}_high" for c in ("lat_e7", "lon_e7"))
    return (
        "WITH movers AS (SELECT d, person FROM stays GROUP BY d, person "
        "HAVING MIN(zone) < MAX(zone)), "
        "moved AS (SELECT s.* FROM stays AS s "
        "JOIN movers AS o ON s.person = o.person AND s.d = o.d), "
        f"boxed AS (SELECT s.d, s.person, s.zone, s.t_start, s.t_end, s.t_first, {box} "
        f"FROM moved AS s JOIN points AS p ON {records_of('s')} "
        "GROUP BY s.d, s.person, s.zone, s.t_start, s.t_end, s.t_first) "
        f"SELECT d, person, zone, t_start, t_end, t_first, {_middle('lat_e7')}, "
        f"{_middle('lon_e7')} FROM boxed"
    )


def _middle(column: str) -> str:
    # The shift keeps the division off negative numbers, which engines round differently.
    total = f"CAST({column}_low AS BIGINT) + {column}_high + {_SHIFT}"
    return f"CAST(({total}) // 2 - {_SHIFT // 2} AS INTEGER) AS {column}"
