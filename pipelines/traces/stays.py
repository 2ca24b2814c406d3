"""Stays: runs that lasted, or that a visit record declares; and where those of movers were."""

from __future__ import annotations

from pipelines.schemas.traces import MINUTE_S, TraceParams
from pipelines.schemas.world import World
from pipelines.traces.dates import Dated
from pipelines.traces.runs import records_of

_SHIFT = 3_600_000_000


def stays_sql(params: TraceParams) -> str:
    """Return the SELECT of ``stays``: runs of at least ``min_dwell``, and declared ones."""
    return (
        "SELECT d, person, zone, t_start, t_end, t_first, t_seen FROM runs "
        f"WHERE t_end - t_start >= {params.min_dwell_minutes * MINUTE_S} OR declared"
    )


def spots_sql(world: World) -> str:
    """Return the SELECT of ``spots``: the stays of who stayed in two zones, with their middles.

    Who stayed in one zone makes no trip, and is spared this second look at the records.
    """
    dated = Dated.of(world.calendar)
    box = ", ".join(f"MIN(p.{c}) AS {c}_low, MAX(p.{c}) AS {c}_high" for c in ("lat_e7", "lon_e7"))
    span = ("zone", "t_start", "t_end", "t_first")
    same = " AND ".join(f"s.{column} = o.{column}" for column in dated.columns)
    stay = ", ".join(f"s.{column}" for column in (*dated.columns, *span))
    return (
        f"WITH movers AS (SELECT {dated.own} FROM stays GROUP BY {dated.own} "
        "HAVING MIN(zone) < MAX(zone)), "
        f"moved AS (SELECT {stay}, s.t_seen FROM stays AS s JOIN movers AS o ON {same}), "
        f"boxed AS (SELECT {stay}, {box} "
        f"FROM moved AS s JOIN points AS p ON {records_of('s', dated)} GROUP BY {stay}) "
        f"SELECT {dated.d}, person, {', '.join(span)}, "
        f"{_middle('lat_e7')}, {_middle('lon_e7')} FROM boxed"
    )


def _middle(column: str) -> str:
    # The shift keeps the division off negative numbers, which engines round differently.
    total = f"CAST({column}_low AS BIGINT) + {column}_high + {_SHIFT}"
    return f"CAST(({total}) // 2 - {_SHIFT // 2} AS INTEGER) AS {column}"
