"""Transitions: from one zone to the next one seen, for sources too sparse to show stays."""

from __future__ import annotations

_ORDER = "OVER (PARTITION BY d, person ORDER BY t_start, t_end, zone)"


def transitions_sql(*, max_gap_s: int, oscillation_s: int) -> str:
    """Return a SELECT from ``runs`` of ``(d, person, origin, destination, t_depart)``.

    A run B between two runs of one zone A is dropped when the records of A around it are at most
    ``oscillation_s`` apart: a phone at rest swings between towers. Of A-B-A-B-A nothing is left but
    A, of A-B-A-B one step from A to B. Whether a run is dropped is told from its two neighbours as
    they were, so that the order of dropping cannot matter. Then two consecutive runs in different
    zones are a transition when the records on both sides are at most ``max_gap_s`` apart; a run
    outside the zones breaks it in two, and both are dropped.
    """
    return (
        "WITH beside AS (SELECT *, "
        f"LAG(zone) {_ORDER} AS zone_before, LEAD(zone) {_ORDER} AS zone_after, "
        f"LEAD(t_first) {_ORDER} - LAG(t_last) {_ORDER} AS swing FROM runs), "
        "kept AS (SELECT d, person, zone, t_start, t_end, t_first, t_last FROM beside "
        "WHERE NOT COALESCE(zone_before = zone_after AND zone_before <> zone "
        f"AND swing <= {oscillation_s}, FALSE)), "
        "paired AS (SELECT d, person, zone AS origin, t_last AS t_depart, "
        f"LEAD(zone) {_ORDER} AS destination, LEAD(t_first) {_ORDER} AS t_next FROM kept) "
        "SELECT d, person, origin, destination, t_depart FROM paired "
        "WHERE origin >= 0 AND destination >= 0 AND origin <> destination "
        f"AND t_next - t_depart <= {max_gap_s}"
    )
