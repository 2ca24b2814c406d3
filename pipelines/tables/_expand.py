"""From spans of time bins to bins: runs are counted first and expanded after."""

from __future__ import annotations

from typing import Literal

from pipelines.schemas.measured import TableParams
from pipelines.schemas.traces import MINUTE_S
from pipelines.schemas.world import World
from pipelines.tables._strata import RELATION, stratum_sql
from pipelines.traces.bins import bins_before, bins_of_date

_DIGITS = "(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9))"


class PresenceParams(TableParams):
    """Parameters of tables of who is where in each time bin."""

    bin_minutes: Literal[10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440] = 60
    """Length of a time bin; shorter bins mean more bins a person is in, and more noise in each."""

    @property
    def bin_s(self) -> int:
        """Length of a time bin in seconds."""
        return self.bin_minutes * MINUTE_S


def bin_counts_sql(
    world: World, params: PresenceParams, *, place: str, places: int, joined: str = ""
) -> str:
    """Return (d, cell, v), to be summed: in how many runs the midpoint of a bin lies.

    A cell's number is that of its bin times ``places``, plus its place; strata vary fastest. Runs
    are counted by place, first bin and number of bins; then each count is spread over its bins by
    an equi-join. Bins beyond the date's end are dropped.

    Args:
        world: Public days and strata.
        params: Length of a bin, and the strata asked for.
        place: SQL for the number of a run's place, from columns of ``runs`` and ``joined``.
        places: How many there are.
        joined: JOINs to the runs ``r``, one row for each run.
    """
    first, end = (bins_before(t, params.bin_s) for t in ("t_start", "t_end"))
    bins = bins_of_date("length_s", params.bin_s)
    most = max(day.bins(params.bin_s) for day in world.calendar.dates)
    code, combinations = stratum_sql(world, params)
    if combinations > 1:
        joined += f" JOIN {RELATION} AS st ON r.d = st.d AND r.person = st.person"
        place, places = f"({place}) * {combinations} + {code}", places * combinations
    return (
        f"WITH spans AS (SELECT r.d, CAST({place} AS BIGINT) AS place, {first} AS from_bin, "
        f"LEAST({end}, {bins}) - {first} AS n "
        f"FROM runs AS r JOIN days AS y ON r.d = y.d{joined} WHERE zone >= 0), "
        "counted AS (SELECT d, place, from_bin, n, COUNT(*) AS v FROM spans "
        "WHERE n > 0 GROUP BY d, place, from_bin, n), "
        f"numbers AS ({_numbers(most)}), "
        "steps AS (SELECT a.i AS n, b.i AS k FROM numbers AS a JOIN numbers AS b ON b.i < a.i) "
        f"SELECT d, CAST(from_bin + k AS BIGINT) * {places} + place AS cell, v "
        "FROM counted JOIN steps ON counted.n = steps.n"
    )


def _numbers(most: int) -> str:
    return (
        "SELECT a.i + 10 * b.i + 100 * c.i AS i "
        f"FROM {_DIGITS} AS a(i) CROSS JOIN {_DIGITS} AS b(i) CROSS JOIN {_DIGITS} AS c(i) "
        f"WHERE a.i + 10 * b.i + 100 * c.i <= {most}"
    )
