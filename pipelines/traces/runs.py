"""Runs: where a person is known to be, from one record to the next (``positions.md``)."""

from __future__ import annotations

from pipelines.schemas.traces import MINUTE_S, TraceParams

_NOWHERE = -2
_SHIFT = 3_600_000_000
_ORDERED = "PARTITION BY d, person ORDER BY t, zone"


def runs_sql(params: TraceParams, *, declared: bool, located: bool) -> str:
    """Return the SELECT of ``runs``.

    Two passes over the records (which record begins a run; count them to number the runs), one
    aggregation, and one pass over the runs for what is held before and after each. Records that
    tie in (t, zone) fall into one run whichever comes first, so the order is never a choice.

    Args:
        params: Gaps.
        declared: Whether ``points`` has ``t2`` and ``declared``.
        located: Whether ``lat_e7`` and ``lon_e7`` are needed (by stays and trips).
    """
    move_s = params.move_gap_minutes * MINUTE_S
    middle = f", {_middle('lat_e7')}, {_middle('lon_e7')}" if located else ""
    return (
        f"WITH {_marked(declared=declared, located=located)}, "
        f"{_begun(params, declared=declared, located=located)}, "
        f"numbered AS (SELECT *, COUNT(begins) OVER ({_ORDERED}) AS run FROM begun), "
        f"{_grouped(declared=declared, located=located)}, "
        "placed AS (SELECT *, LEAD(t_first) OVER (PARTITION BY d, person ORDER BY run) AS t_next, "
        "LAG(t_reach) OVER (PARTITION BY d, person ORDER BY run) AS t_before FROM grouped), "
        "cut AS (SELECT *, LEAST(t_reach, COALESCE(t_next, t_reach)) AS t_last, "
        "GREATEST(t_first - COALESCE(t_before, t_first), 0) AS gap_before, "
        "GREATEST(COALESCE(t_next, t_reach) - t_reach, 0) AS gap_after FROM placed) "
        "SELECT d, person, zone, "
        f"CAST(t_first - LEAST(gap_before - gap_before // 2, {move_s}) AS INTEGER) AS t_start, "
        "t_first, t_last, "
        f"CAST(t_last + LEAST(gap_after // 2, {move_s}) AS INTEGER) AS t_end"
        f"{middle}, declared FROM cut"
    )


def _marked(*, declared: bool, located: bool) -> str:
    reach = (
        f"MAX(t2) OVER ({_ORDERED} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
        if declared
        else f"LAG(t) OVER ({_ORDERED})"
    )
    return (
        f"marked AS (SELECT {_columns(declared=declared, located=located)}, "
        f"LAG(zone, 1, {_NOWHERE}) OVER ({_ORDERED}) AS zone_before, "
        f"{reach} AS reach FROM points)"
    )


def _begun(params: TraceParams, *, declared: bool, located: bool) -> str:
    limit = (
        f"CASE WHEN (reach + t) // 2 >= overnight_s THEN {params.overnight_gap_minutes * MINUTE_S} "
        f"ELSE {params.same_zone_gap_minutes * MINUTE_S} END"
    )
    columns = _columns(declared=declared, located=located, of="m.")
    return (
        f"begun AS (SELECT {columns}, "
        f"CASE WHEN zone_before = zone AND t - reach <= {limit} THEN NULL ELSE 1 END AS begins "
        "FROM marked AS m JOIN days AS y ON m.d = y.d)"
    )


def _grouped(*, declared: bool, located: bool) -> str:
    end, said = ("t2", "BOOL_OR(declared AND t2 = t)") if declared else ("t", "FALSE")
    box = ", ".join(
        f"MIN({c}) AS {c}_low, MAX({c}) AS {c}_high" for c in ("lat_e7", "lon_e7") if located
    )
    return (
        "grouped AS (SELECT d, person, run, MIN(zone) AS zone, MIN(t) AS t_first, "
        f"MAX({end}) AS t_reach, {box + ', ' if box else ''}{said} AS declared "
        "FROM numbered GROUP BY d, person, run)"
    )


def _columns(*, declared: bool, located: bool, of: str = "") -> str:
    names = ["d", "person", "t", "zone"]
    names += ["t2", "declared"] if declared else []
    names += ["lat_e7", "lon_e7"] if located else []
    return ", ".join(of + name for name in names)


def _middle(column: str) -> str:
    # The shift keeps the division off negative numbers, which engines round differently.
    total = f"CAST({column}_low AS BIGINT) + {column}_high + {_SHIFT}"
    return f"CAST(({total}) // 2 - {_SHIFT // 2} AS INTEGER) AS {column}"
