"""Runs as stretches of time bins: counted by where they begin and how many bins they hold."""

from __future__ import annotations

from typing import Literal

from pipelines.schemas.measured import TableParams
from pipelines.schemas.traces import MINUTE_S
from pipelines.schemas.world import World
from pipelines.tables._strata import RELATION, stratum_sql
from pipelines.traces.bins import bins_before, bins_of_date


class PresenceParams(TableParams):
    """Parameters of tables of who is where in each time bin."""

    bin_minutes: Literal[10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440] = 60
    """Length of a time bin; shorter bins mean more bins a person is in, and more noise in each."""

    @property
    def bin_s(self) -> int:
        """Length of a time bin in seconds."""
        return self.bin_minutes * MINUTE_S


def stretches_sql(
    world: World, params: PresenceParams, *, place: str, places: int, joined: str = ""
) -> str:
    """Return (d, cell, v, times, step): how many runs hold the midpoints of which bins.

    A cell's number is that of its bin times ``places``, plus its place; strata vary fastest. A run
    is one stretch: its first cell, its number of bins, and ``places`` from one bin to the next.
    Bins beyond the date's end are dropped.

    Args:
        world: Public days and strata.
        params: Length of a bin, and the strata asked for.
        place: SQL for the number of a run's place, from columns of ``runs`` and ``joined``.
        places: How many there are.
        joined: JOINs to the runs ``r``, one row for each run.
    """
    first, end = (bins_before(t, params.bin_s) for t in ("t_start", "t_end"))
    bins = bins_of_date("length_s", params.bin_s)
    code, combinations = stratum_sql(world, params)
    if combinations > 1:
        joined += f" JOIN {RELATION} AS st ON r.d = st.d AND r.person = st.person"
        place, places = f"({place}) * {combinations} + {code}", places * combinations
    return (
        "SELECT d, cell, COUNT(*) AS v, times, "
        f"CAST({places} AS BIGINT) AS step FROM (SELECT r.d, "
        f"CAST({first} AS BIGINT) * {places} + {place} AS cell, "
        f"CAST(LEAST({end}, {bins}) - {first} AS INTEGER) AS times "
        f"FROM runs AS r JOIN days AS y ON r.d = y.d{joined} WHERE zone >= 0) AS spans "
        "WHERE times > 0 GROUP BY d, cell, times"
    )
