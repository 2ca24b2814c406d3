"""Runs: where a person is known to be, from one record to the next (``positions.md``)."""

from __future__ import annotations

from pipelines.schemas.calendar import Calendar
from pipelines.schemas.traces import MINUTE_S, TraceParams
from pipelines.traces.dates import by_date
from pipelines.traces.moments import NONE, moment_sql, same_zone_sql, second_sql, zone_sql

_ORDERED = "PARTITION BY person, d ORDER BY"
"""The person first: engines sort by the first column, and few records differ in their date."""


def runs_sql(params: TraceParams, calendar: Calendar, *, declared: bool) -> str:
    """Return the SELECT of ``runs``.

    One pass over the records keeps those that begin a run and the last one; a pass over these few
    tells where each run ends. Records between are not looked at again, but for the ends that
    records of visits have. Records that tie in (t, zone) fall into one run whichever comes first,
    so the order is never a choice.

    Args:
        params: Gaps.
        calendar: Public days.
        declared: Whether ``points`` has ``t2`` and ``declared``.
    """
    move_s = params.move_gap_minutes * MINUTE_S
    return (
        f"WITH {_marked(declared=declared)}, {_kept(params, calendar)}, {_begun()}, "
        f"{_reached() if declared else _fixed()}, "
        "cut AS (SELECT *, LEAST(t_reach, t_next) AS t_last, "
        "GREATEST(t_first - t_before, 0) AS gap_before, "
        "GREATEST(t_next - t_reach, 0) AS gap_after FROM placed) "
        "SELECT d, person, zone, "
        f"CAST(t_first - LEAST(gap_before - gap_before // 2, {move_s}) AS INTEGER) AS t_start, "
        "t_first, t_last, "
        f"CAST(t_last + LEAST(gap_after // 2, {move_s}) AS INTEGER) AS t_end, "
        "t_seen, declared FROM cut"
    )


def _marked(*, declared: bool) -> str:
    """Each record with the moments of the one before and the one after, and the reach so far."""
    window = f"OVER ({_ORDERED} m)"
    reach = second_sql(f"LAG(m, 1, {NONE}) {window}")
    if declared:
        reach = f"MAX(t2) OVER ({_ORDERED} m ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    return (
        f"marked AS (SELECT d, person, m, LAG(m, 1, {NONE}) {window} AS m_before, "
        f"LEAD(m, 1, {NONE}) {window} AS m_after, {reach} AS reach "
        f"FROM (SELECT *, {moment_sql('t', 'zone')} AS m FROM points) AS packed)"
    )


def _kept(params: TraceParams, calendar: Calendar) -> str:
    """The records that begin a run, and the last one of the date."""
    t = second_sql("m")
    limit = (
        f"CASE WHEN (reach + {t}) // 2 >= {by_date([day.overnight_s for day in calendar.dates])} "
        f"THEN {params.overnight_gap_minutes * MINUTE_S} "
        f"ELSE {params.same_zone_gap_minutes * MINUTE_S} END"
    )
    bridged = f"{same_zone_sql('m', 'm_before')} AND {t} - reach <= {limit}"
    return (
        "kept AS (SELECT d, person, m, m_before, begins FROM ("
        f"SELECT d, person, m, m_before, m_after, CASE WHEN {bridged} THEN 0 ELSE 1 END AS begins "
        f"FROM marked) AS judged WHERE begins = 1 OR m_after = {NONE})"
    )


def _begun() -> str:
    """The runs: first and last record, and the moments just before and just after.

    The record before the next run's first is this run's last. The last record of the date, where
    it begins no run, ends one. Of two that tie it comes second, having a record of that very
    moment before it.
    """
    window = f"OVER ({_ORDERED} m, m_before)"
    return (
        "begun AS (SELECT d, person, m, m_before, COALESCE(m_last, m) AS m_last, "
        "COALESCE(m_next, m) AS m_next FROM (SELECT d, person, m, m_before, begins, "
        f"LEAD(CASE WHEN begins = 1 THEN m_before ELSE m END) {window} AS m_last, "
        f"LEAD(m) {window} AS m_next FROM kept) AS paired WHERE begins = 1)"
    )


def _fixed() -> str:
    """Runs of fixes: each reaches up to its last record."""
    before = f"CASE WHEN m_before = {NONE} THEN {second_sql('m')} ELSE {second_sql('m_before')} END"
    return (
        f"placed AS (SELECT d, person, {zone_sql('m')} AS zone, "
        f"{_second('m')} AS t_first, {_second('m_last')} AS t_seen, "
        f"{_second('m_last')} AS t_reach, {_second('m_next')} AS t_next, "
        f"CAST({before} AS INTEGER) AS t_before, FALSE AS declared FROM begun)"
    )


def _reached() -> str:
    """Runs of records with ends: their latest end may lie behind their last record."""
    window = f"OVER ({_ORDERED} t_first, zone)"
    return (
        f"spans AS (SELECT d, person, {zone_sql('m')} AS zone, {_second('m')} AS t_first, "
        f"{_second('m_last')} AS t_seen FROM begun), "
        "held AS (SELECT s.d, s.person, s.zone, s.t_first, s.t_seen, MAX(p.t2) AS t_reach, "
        "BOOL_OR(p.declared AND p.t2 = p.t) AS declared "
        f"FROM spans AS s JOIN points AS p ON {records_of('s')} "
        "GROUP BY s.d, s.person, s.zone, s.t_first, s.t_seen), "
        f"placed AS (SELECT *, COALESCE(LEAD(t_first) {window}, t_reach) AS t_next, "
        f"COALESCE(LAG(t_reach) {window}, t_first) AS t_before FROM held)"
    )


def records_of(runs: str) -> str:
    """Return SQL that joins ``points AS p`` to runs or stays by this alias: to those they hold."""
    return (
        f"p.person = {runs}.person AND p.d = {runs}.d AND p.zone = {runs}.zone "
        f"AND p.t >= {runs}.t_first AND p.t <= {runs}.t_seen"
    )


def _second(moment: str) -> str:
    return f"CAST({second_sql(moment)} AS INTEGER)"
