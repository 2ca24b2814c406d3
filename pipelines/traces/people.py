"""People and nights: one row for each person of a date, by where the night was spent."""

from __future__ import annotations

from pipelines.schemas.calendar import HOUR_S
from pipelines.schemas.traces import MINUTE_S, TraceParams
from pipelines.traces.bins import bins_before, bins_of_date

WORD = 2**32
TOP = WORD - 2
"""``amount * WORD + (TOP - zone)`` orders by amount, then by falling zone number; -1 still fits."""
_NIGHT = "GREATEST(t_end - GREATEST(t_start, overnight_s), 0)"


def people_sql(params: TraceParams) -> str:
    """Return the SELECT of ``people``: everyone with a record in a zone on that date.

    The overnight zone is the one with the longest known time from ``overnight_s`` to the end of
    the date, the smallest number on a tie. Outside (-1) takes part, so that who slept elsewhere
    is unknown and not placed where the evening began. The winner is the largest of (seconds, zone
    descending) packed into one integer: no ranking, no second pass.
    """
    hours = " - ".join(
        f"LEAST({bins_before(t, HOUR_S)}, {bins_of_date('length_s', HOUR_S)})"
        for t in ("t_end", "t_start")
    )
    return (
        "WITH spent AS (SELECT r.d, person, zone, "
        f"CAST(SUM({_NIGHT}) AS BIGINT) AS night_s, CAST(SUM({hours}) AS INTEGER) AS hours "
        "FROM runs AS r JOIN days AS y ON r.d = y.d GROUP BY r.d, person, zone), "
        f"packed AS (SELECT d, person, MAX(night_s * {WORD} + ({TOP} - zone)) AS best, "
        "CAST(SUM(CASE WHEN zone >= 0 THEN hours ELSE 0 END) AS INTEGER) AS hours "
        "FROM spent GROUP BY d, person HAVING MAX(zone) >= 0) "
        f"SELECT d, person, CASE WHEN best // {WORD} >= {_least_s(params)} "
        f"THEN CAST({TOP} - best % {WORD} AS INTEGER) ELSE -1 END AS overnight, hours FROM packed"
    )


def nights_sql(params: TraceParams) -> str:
    """Return the SELECT of ``nights``: everyone whose place overnight is known, outside included.

    The place is that of ``people``. Unlike there, a night outside the zones is told from a night
    of which too little is known, and who was never in a zone on that date is there too.
    """
    return (
        "WITH spent AS (SELECT r.d, person, zone, "
        f"CAST(SUM({_NIGHT}) AS BIGINT) AS night_s "
        "FROM runs AS r JOIN days AS y ON r.d = y.d GROUP BY r.d, person, zone), "
        f"packed AS (SELECT d, person, MAX(night_s * {WORD} + ({TOP} - zone)) AS best "
        "FROM spent GROUP BY d, person) "
        f"SELECT d, person, CAST({TOP} - best % {WORD} AS INTEGER) AS zone FROM packed "
        f"WHERE best // {WORD} >= {_least_s(params)}"
    )


def _least_s(params: TraceParams) -> int:
    return params.min_overnight_minutes * MINUTE_S
