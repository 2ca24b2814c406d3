"""Transitions: from one zone to the next one seen, for sources too sparse to show stays."""

from __future__ import annotations

from pipelines.traces.moments import NONE, moment_sql, same_zone_sql, second_sql, zone_sql

_ORDER = "OVER (PARTITION BY person, d ORDER BY m)"


def transitions_sql(*, max_gap_s: int, oscillation_s: int) -> str:
    """Return a SELECT from ``runs`` of ``(d, person, origin, destination, t_depart)``.

    A run B between two runs of one zone A is dropped when the records of A around it are at most
    ``oscillation_s`` apart: a phone at rest swings between towers. Of A-B-A-B-A nothing is left but
    A, of A-B-A-B one step from A to B. Whether a run is dropped is told from its two neighbours as
    they were, so that the order of dropping cannot matter. Then two consecutive runs in different
    zones are a transition when the records on both sides are at most ``max_gap_s`` apart; a run
    outside the zones breaks it in two, and both are dropped. Runs of a date do not overlap, so that
    (t_first, zone) is the order in which they were.
    """
    swung = (
        f"{same_zone_sql('m_before', 'm_after')} AND NOT {same_zone_sql('m_before', 'm')} "
        f"AND {second_sql('m_after')} - t_before <= {oscillation_s}"
    )
    return (
        f"WITH begun AS (SELECT d, person, t_last, {moment_sql('t_first', 'zone')} AS m "
        "FROM runs), "
        f"beside AS (SELECT d, person, t_last, m, LAG(m, 1, {NONE}) {_ORDER} AS m_before, "
        f"LEAD(m, 1, {NONE}) {_ORDER} AS m_after, LAG(t_last) {_ORDER} AS t_before FROM begun), "
        f"kept AS (SELECT d, person, t_last, m FROM beside WHERE NOT COALESCE({swung}, FALSE)), "
        "paired AS (SELECT d, person, t_last, m, "
        f"LEAD(m, 1, {NONE}) {_ORDER} AS m_next FROM kept), "
        f"moved AS (SELECT d, person, {zone_sql('m')} AS origin, "
        f"{zone_sql('m_next')} AS destination, t_last AS t_depart, "
        f"{second_sql('m_next')} - t_last AS gap FROM paired WHERE m_next <> {NONE}) "
        "SELECT d, person, origin, destination, t_depart FROM moved "
        f"WHERE origin >= 0 AND destination >= 0 AND origin <> destination AND gap <= {max_gap_s}"
    )
