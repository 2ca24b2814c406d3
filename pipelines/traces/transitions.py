"""Transitions: from one zone to the next one seen, for sources too sparse to show stays."""

from __future__ import annotations

from pipelines.schemas.world import World
from pipelines.traces.dates import Dated
from pipelines.traces.moments import Moments


def transitions_sql(world: World, *, max_gap_s: int, oscillation_s: int) -> str:
    """Return a SELECT from ``runs`` of ``(d, person, origin, destination, t_depart)``.

    A run B between two runs of one zone A is dropped when the records of A around it are at most
    ``oscillation_s`` apart: a phone at rest swings between towers. Of A-B-A-B-A nothing is left but
    A, of A-B-A-B one step from A to B. Whether a run is dropped is told from its two neighbours as
    they were, so that the order of dropping cannot matter. Then two consecutive runs in different
    zones are a transition when the records on both sides are at most ``max_gap_s`` apart; a run
    outside the zones breaks it in two, and both are dropped. Runs of a date do not overlap, so that
    (t_first, zone) is the order in which they were.
    """
    moments, dated = Moments.of(len(world.zones)), Dated.of(world.calendar)
    swung = (
        f"zone_before = zone_next AND zone_before <> zone AND t_next - t_before <= {oscillation_s}"
    )
    return (
        f"WITH kept AS (SELECT {dated.own}, zone, t_last, {moments.at('t_first', 'zone')} AS m "
        f"FROM runs WHERE NOT ({swung})), "
        f"paired AS (SELECT {dated.own}, zone AS origin, t_last, "
        f"LEAD(m) OVER (PARTITION BY {dated.own} ORDER BY m) AS m_next FROM kept), "
        f"moved AS (SELECT {dated.d}, person, origin, {moments.zone('m_next')} AS destination, "
        f"t_last AS t_depart, {moments.second('m_next')} - t_last AS gap "
        "FROM paired WHERE m_next IS NOT NULL) "
        "SELECT d, person, origin, destination, t_depart FROM moved "
        f"WHERE origin >= 0 AND destination >= 0 AND origin <> destination AND gap <= {max_gap_s}"
    )
