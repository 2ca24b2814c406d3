"""Presence: how many people are in each zone at the middle of each time bin. A stock."""

from __future__ import annotations

from typing import Literal

from dp.bounding import Rule
from dp.keys import Key, KeySet
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import Measured, TableParams
from pipelines.schemas.traces import MINUTE_S
from pipelines.schemas.world import World
from pipelines.tables._rules import inherent
from pipelines.traces.bins import bins_before, bins_of_date

_DIGITS = "(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9))"


class PresenceParams(TableParams):
    """Parameters of ``presence``."""

    bin_minutes: Literal[10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440] = 60
    """Length of a time bin; shorter bins mean more bins a person is in, and more noise in each."""

    @property
    def bin_s(self) -> int:
        """Length of a time bin in seconds."""
        return self.bin_minutes * MINUTE_S


def _keys(world: World, params: PresenceParams, day: MobilityDay) -> KeySet:
    # The bin varies slowest: a zone's cell in a bin does not depend on the date's number of bins.
    return KeySet(
        (Key("bin", tuple(range(day.bins(params.bin_s)))), Key("zone", world.zones.ids)),
    )


def _statement(world: World, params: PresenceParams) -> str:
    """Count runs by zone, first bin and number of bins; then expand. No person key is needed.

    A person's runs of a date do not overlap, so no midpoint lies in two of them.
    """
    first, end = (bins_before(t, params.bin_s) for t in ("t_start", "t_end"))
    bins = bins_of_date("length_s", params.bin_s)
    most = max(day.bins(params.bin_s) for day in world.calendar.dates)
    return (
        f"WITH spans AS (SELECT r.d, zone, {first} AS from_bin, "
        f"LEAST({end}, {bins}) - {first} AS n "
        "FROM runs AS r JOIN days AS y ON r.d = y.d WHERE zone >= 0), "
        "counted AS (SELECT d, zone, from_bin, n, COUNT(*) AS v FROM spans "
        "WHERE n > 0 GROUP BY d, zone, from_bin, n), "
        f"numbers AS ({_numbers(most)}), "
        "steps AS (SELECT a.i AS n, b.i AS k FROM numbers AS a JOIN numbers AS b ON b.i < a.i) "
        f"SELECT d, CAST((from_bin + k) * CAST({len(world.zones)} AS BIGINT) + zone AS BIGINT) "
        "AS cell, CAST(SUM(v) AS BIGINT) AS v "
        "FROM counted JOIN steps ON counted.n = steps.n GROUP BY d, from_bin + k, zone"
    )


def _numbers(most: int) -> str:
    return (
        "SELECT a.i + 10 * b.i + 100 * c.i AS i "
        f"FROM {_DIGITS} AS a(i) CROSS JOIN {_DIGITS} AS b(i) CROSS JOIN {_DIGITS} AS c(i) "
        f"WHERE a.i + 10 * b.i + 100 * c.i <= {most}"
    )


def _rule(_world: World, params: PresenceParams, day: MobilityDay, _secret: bytes | None) -> Rule:
    return inherent(day.bins(params.bin_s))


TABLE = Measured(
    name="presence",
    summary="People in each zone at the middle of each time bin; zones add up.",
    counts="persons",
    params=PresenceParams,
    needs=frozenset({"runs", "days"}),
    columns={
        "bin": "number of the time bin within the date, from 0; a 25-hour date has one more, and"
        " the repeated hour a bin of its own",
        "zone": "zone that holds the person at the bin's midpoint",
    },
    keys=_keys,
    statement=_statement,
    rule=_rule,
    aggregated=True,
    source="Population present at an instant, as in Deville et al. 2014 (PNAS 111:15888).",
)
