"""From spans of time bins to bins: runs are counted first and expanded after."""

from __future__ import annotations

from pipelines.schemas.world import World
from pipelines.traces.bins import bins_before, bins_of_date

_DIGITS = "(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9))"


def bin_counts_sql(world: World, *, bin_s: int, by: tuple[str, ...], source: str, cell: str) -> str:
    """Return (d, cell, v): in how many runs the midpoint of a bin lies, persons summed.

    Runs are counted by place, first bin and number of bins; then each count is spread over its
    bins by an equi-join. Bins beyond the date's end are dropped.

    Args:
        world: Public days.
        bin_s: Length of a bin in seconds.
        by: Columns that place a run.
        source: FROM and WHERE: runs as ``r`` joined with ``days`` as ``y``, and whatever else
            gives the columns in ``by``, one row for each run.
        cell: SQL for the cell number, from the columns in ``by`` and ``bin``.
    """
    first, end = (bins_before(t, bin_s) for t in ("t_start", "t_end"))
    bins = bins_of_date("length_s", bin_s)
    most = max(day.bins(bin_s) for day in world.calendar.dates)
    columns = ", ".join(by)
    return (
        f"WITH spans AS (SELECT r.d, {columns}, {first} AS from_bin, "
        f"LEAST({end}, {bins}) - {first} AS n {source}), "
        f"counted AS (SELECT d, {columns}, from_bin, n, COUNT(*) AS v FROM spans "
        f"WHERE n > 0 GROUP BY d, {columns}, from_bin, n), "
        f"numbers AS ({_numbers(most)}), "
        "steps AS (SELECT a.i AS n, b.i AS k FROM numbers AS a JOIN numbers AS b ON b.i < a.i), "
        f"spread AS (SELECT d, {columns}, CAST(from_bin + k AS BIGINT) AS bin, v "
        "FROM counted JOIN steps ON counted.n = steps.n) "
        f"SELECT d, CAST({cell} AS BIGINT) AS cell, CAST(SUM(v) AS BIGINT) AS v "
        f"FROM spread GROUP BY d, bin, {columns}"
    )


def _numbers(most: int) -> str:
    return (
        "SELECT a.i + 10 * b.i + 100 * c.i AS i "
        f"FROM {_DIGITS} AS a(i) CROSS JOIN {_DIGITS} AS b(i) CROSS JOIN {_DIGITS} AS c(i) "
        f"WHERE a.i + 10 * b.i + 100 * c.i <= {most}"
    )
