"""Runs: where a person is known to be, from one record to the next (``positions.md``)."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.schemas.traces import MINUTE_S, TraceParams
from pipelines.schemas.world import World
from pipelines.traces.dates import Dated, by_date
from pipelines.traces.moments import Moments


def runs_sql(params: TraceParams, world: World, *, declared: bool) -> str:
    """Return the SELECT of ``runs``.

    One pass over the records keeps those that begin a run and the last one; a pass over these few
    tells where each run ends. Records between are not looked at again, but for the ends that
    records of visits have. Records that tie in (t, zone) fall into one run whichever comes first,
    so the order is never a choice.

    Args:
        params: Gaps.
        world: Public days and zones.
        declared: Whether ``points`` has ``t2`` and ``declared``.
    """
    move_s = params.move_gap_minutes * MINUTE_S
    parts = _Parts(Moments.of(len(world.zones)), Dated.of(world.calendar))
    nights = by_date([day.overnight_s for day in world.calendar.dates])
    return (
        f"WITH {parts.marked(declared=declared)}, {parts.kept(params, nights)}, {parts.begun()}, "
        f"{parts.reached() if declared else parts.fixed()}, "
        "cut AS (SELECT *, LEAST(t_reach, t_next) AS t_last, "
        "GREATEST(t_first - t_before, 0) AS gap_before, "
        "GREATEST(t_next - t_reach, 0) AS gap_after FROM placed) "
        "SELECT d, person, zone, "
        f"CAST(t_first - LEAST(gap_before - gap_before // 2, {move_s}) AS INTEGER) AS t_start, "
        "t_first, t_last, "
        f"CAST(t_last + LEAST(gap_after // 2, {move_s}) AS INTEGER) AS t_end, "
        "t_seen, declared, zone_before, LEAST(t_before, t_first) AS t_before, zone_next, t_next "
        "FROM cut"
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of the statement, which share how moments and dates are written."""

    moments: Moments
    dated: Dated

    @property
    def _ordered(self) -> str:
        return f"PARTITION BY {self.dated.own} ORDER BY"

    def marked(self, *, declared: bool) -> str:
        """Each record, the moments of the one before and the one after, and the reach so far."""
        none, window = self.moments.none, f"OVER ({self._ordered} m)"
        reach = self.moments.second(f"LAG(m, 1, {none}) {window}")
        if declared:
            rows = "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
            reach = f"MAX(t2) OVER ({self._ordered} m {rows})"
        return (
            f"marked AS (SELECT {self.dated.own}, m, LAG(m, 1, {none}) {window} AS m_before, "
            f"LEAD(m, 1, {none}) {window} AS m_after, {reach} AS reach "
            f"FROM (SELECT *, {self.moments.at('t', 'zone')} AS m FROM points) AS packed)"
        )

    def kept(self, params: TraceParams, nights: str) -> str:
        """The records that begin a run, and the last one of the date."""
        t, own = self.moments.second("m"), self.dated.own
        limit = (
            f"CASE WHEN (reach + {t}) // 2 >= {nights} "
            f"THEN {params.overnight_gap_minutes * MINUTE_S} "
            f"ELSE {params.same_zone_gap_minutes * MINUTE_S} END"
        )
        bridged = f"{self.moments.same_zone('m', 'm_before')} AND {t} - reach <= {limit}"
        return (
            f"kept AS (SELECT {own}, m, m_before, begins FROM ("
            f"SELECT {own}, m, m_before, m_after, CASE WHEN {bridged} THEN 0 ELSE 1 END AS begins "
            f"FROM marked) AS judged WHERE begins = 1 OR m_after = {self.moments.none})"
        )

    def begun(self) -> str:
        """The runs: first and last record, and the moments just before and just after.

        The record before the next run's first is this run's last. The last record of the date,
        where it begins no run, ends one. Of two that tie it comes second, having a record of that
        very moment before it.
        """
        window, own = f"OVER ({self._ordered} m, m_before)", self.dated.own
        return (
            f"begun AS (SELECT {own}, m, m_before, COALESCE(m_last, m) AS m_last, "
            f"COALESCE(m_next, m) AS m_next FROM (SELECT {own}, m, m_before, begins, "
            f"LEAD(CASE WHEN begins = 1 THEN m_before ELSE m END) {window} AS m_last, "
            f"LEAD(m) {window} AS m_next FROM kept) AS paired WHERE begins = 1)"
        )

    def fixed(self) -> str:
        """Runs of fixes: each reaches up to its last record."""
        first = f"m_before = {self.moments.none}"
        before, zone_before = (
            f"CASE WHEN {first} THEN {take('m')} ELSE {take('m_before')} END"
            for take in (self._second, self.moments.zone)
        )
        return (
            f"placed AS (SELECT {self._span()}, "
            f"{self._second('m_last')} AS t_reach, {self._second('m_next')} AS t_next, "
            f"{self.moments.zone('m_next')} AS zone_next, {before} AS t_before, "
            f"{zone_before} AS zone_before, FALSE AS declared FROM begun)"
        )

    def reached(self) -> str:
        """Runs of records with ends: their latest end may lie behind their last record."""
        window = "OVER (PARTITION BY person, d ORDER BY t_first, zone)"
        beside = ", ".join(
            f"COALESCE({take}({of}) {window}, {own}) AS {name}"
            for name, take, of, own in (
                ("t_next", "LEAD", "t_first", "t_reach"),
                ("zone_next", "LEAD", "zone", "zone"),
                ("t_before", "LAG", "t_reach", "t_first"),
                ("zone_before", "LAG", "zone", "zone"),
            )
        )
        return (
            f"spans AS (SELECT {self._span()} FROM begun), "
            "held AS (SELECT s.d, s.person, s.zone, s.t_first, s.t_seen, MAX(p.t2) AS t_reach, "
            "BOOL_OR(p.declared AND p.t2 = p.t) AS declared "
            f"FROM spans AS s JOIN points AS p ON {records_of('s', self.dated)} "
            "GROUP BY s.d, s.person, s.zone, s.t_first, s.t_seen), "
            f"placed AS (SELECT *, {beside} FROM held)"
        )

    def _span(self) -> str:
        """Date, person and zone of a run, its first and its last record."""
        return (
            f"{self.dated.d}, person, {self.moments.zone('m')} AS zone, "
            f"{self._second('m')} AS t_first, {self._second('m_last')} AS t_seen"
        )

    def _second(self, moment: str) -> str:
        return f"CAST({self.moments.second(moment)} AS INTEGER)"


def records_of(runs: str, dated: Dated) -> str:
    """Return SQL that joins ``points AS p`` to runs or stays by this alias: to those they hold."""
    same = " AND ".join(f"p.{column} = {runs}.{column}" for column in (*dated.columns, "zone"))
    return f"{same} AND p.t >= {runs}.t_first AND p.t <= {runs}.t_seen"
