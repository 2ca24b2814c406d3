"""People: one row for each person of a date: overnight zone and observed hours."""

from __future__ import annotations

from pipelines.schemas.calendar import HOUR_S
from pipelines.schemas.traces import MINUTE_S, TraceParams
from pipelines.traces.bins import bins_before, bins_of_date

_WORD = 2**32
_TOP = _WORD - 2


def people_sql(params: TraceParams) -> str:
    """Return the SELECT of ``people``: everyone with a record in a zone on that date.

    The overnight zone is the one with the longest known time from ``overnight_s`` to the end of
    the date, the smallest number on a tie. Outside (-1) takes part, so that who slept elsewhere
    is unknown and not placed where the evening began. The winner is the largest of (seconds, zone
    descending) packed into one integer: no ranking, no second pass.
    """
    night = "GREATEST(t_end - GREATEST(t_start, overnight_s), 0)"
    hours = " - ".join(
        f"LEAST({bins_before(t, HOUR_S)}, {bins_of_date('length_s', HOUR_S)})"
        for t in ("t_end", "t_start")
    )
    least_s = params.min_overnight_minutes * MINUTE_S
    return (
        "WITH spent AS (SELECT r.d, person, zone, "
        f"CAST(SUM({night}) AS BIGINT) AS night_s, CAST(SUM({hours}) AS INTEGER) AS hours "
        "FROM runs AS r JOIN days AS y ON r.d = y.d GROUP BY r.d, person, zone), "
        f"packed AS (SELECT d, person, MAX(night_s * {_WORD} + ({_TOP} - zone)) AS best, "
        "CAST(SUM(CASE WHEN zone >= 0 THEN hours ELSE 0 END) AS INTEGER) AS hours "
        "FROM spent GROUP BY d, person HAVING MAX(zone) >= 0) "
        f"SELECT d, person, CASE WHEN best // {_WORD} >= {least_s} "
        f"THEN CAST({_TOP} - best % {_WORD} AS INTEGER) ELSE -1 END AS overnight, hours FROM packed"
    )
