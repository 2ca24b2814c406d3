"""Traces: from points to positions, stays, trips and people, inside one mobility day.

The rules and their reasons are in ``positions.md``. Every relation is one SELECT in DuckDB's
dialect over whole numbers, written so that Spark reads it with the same meaning: no floats, no
random, no epoch, no division of negative numbers.
"""

from __future__ import annotations

from collections.abc import Callable

from pipelines.errors import ZoneError
from pipelines.schemas.relations import PROVIDED
from pipelines.schemas.traces import TraceParams
from pipelines.schemas.world import World
from pipelines.traces.moments import MOST_ZONES
from pipelines.traces.people import nights_sql, people_sql
from pipelines.traces.runs import runs_sql
from pipelines.traces.stays import spots_sql, stays_sql
from pipelines.traces.trips import trips_sql

READS: dict[str, set[str]] = {
    "runs": set(),
    "stays": {"runs"},
    "spots": {"stays"},
    "trips": {"spots"},
    "people": {"runs"},
    "nights": {"runs"},
    "strata": set(),
}
"""Which relation is made from which; ``points`` and ``days`` are always there."""


def trace_statements(
    world: World, params: TraceParams, *, needs: frozenset[str], declared: bool
) -> list[tuple[str, str]]:
    """Return (name, SELECT) of each relation that is needed, in the order to make them.

    Each SELECT reads ``points``, ``days`` or relations before it in the list. The statements are
    the same for every date, and may run over any part of the data that holds persons whole.

    Args:
        world: Public days and zones.
        params: Public parameters.
        needs: Relations that the tables' statements read.
        declared: Whether ``points`` has ``t2`` and ``declared``; False when all records are fixes.

    Raises:
        KeyError: ``needs`` names a relation that does not exist.
        ZoneError: the zones are more than a moment can tell apart.
    """
    if len(world.zones) > MOST_ZONES:
        raise ZoneError(
            f"zones: {len(world.zones):,} are too many to follow people through, at most "
            f"{MOST_ZONES:,}. Take larger zones or a smaller boundary."
        )
    wanted = _closure(needs)
    sql: dict[str, Callable[[], str]] = {
        "runs": lambda: runs_sql(params, world, declared=declared),
        "stays": lambda: stays_sql(params),
        "spots": lambda: spots_sql(world),
        "trips": lambda: trips_sql(params, world),
        "people": lambda: people_sql(params),
        "nights": lambda: nights_sql(params),
        "strata": lambda: (
            "SELECT d, person, MIN(stratum) AS stratum FROM points GROUP BY d, person"
        ),
    }
    return [(name, make()) for name, make in sql.items() if name in wanted]


def _closure(needs: frozenset[str]) -> set[str]:
    wanted: set[str] = set()
    stack = sorted(needs - PROVIDED)
    while stack:
        name = stack.pop()
        wanted.add(name)
        stack.extend(READS[name] - wanted)
    return wanted


__all__ = ["trace_statements"]
