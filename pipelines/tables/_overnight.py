"""What tables with one cell per person share: the overnight key and classes of a number."""

from __future__ import annotations

from collections.abc import Sequence

from dp.keys import Key
from pipelines.schemas.world import World

UNKNOWN = "unknown"
OVERNIGHT = (
    "zone where most of the known time from the evening (20:00) to the end of the date was spent;"
    " unknown where too little is known or it was outside the zones"
)
"""What the key column ``overnight`` means."""


def overnight_key(world: World) -> Key:
    """Return the key column: every zone, and unknown at the end."""
    return Key("overnight", (*world.zones.ids, UNKNOWN))


def overnight_code(world: World) -> str:
    """Return SQL for the position in ``overnight_key`` of a row of ``people``."""
    return f"CASE WHEN overnight < 0 THEN {len(world.zones)} ELSE overnight END"


def class_code(number: str, leasts: Sequence[int]) -> str:
    """Return SQL for the class of a number: how many of ``leasts`` it reaches.

    >>> class_code("hours", (1, 3))
    '(CASE WHEN hours >= 1 THEN 1 ELSE 0 END + CASE WHEN hours >= 3 THEN 1 ELSE 0 END)'
    """
    return f"({' + '.join(f'CASE WHEN {number} >= {least} THEN 1 ELSE 0 END' for least in leasts)})"


def counted_sql(world: World, *, classes: int, code: str, counts: str) -> str:
    """Return the contributions of a table in which everyone in ``people`` adds 1 to one cell.

    Args:
        world: Public zones.
        classes: How many classes the second key column has.
        code: SQL for the class, from ``n``: the person's number of that date, 0 where none.
        counts: SELECT giving (d, person, n), one row at most for each (d, person).
    """
    cell = f"CAST({overnight_code(world)} AS BIGINT) * {classes} + {code}"
    return (
        f"SELECT d, person, {cell} AS cell, CAST(1 AS BIGINT) AS v FROM ("
        "SELECT p.d, p.person, overnight, COALESCE(n, 0) AS n FROM people AS p "
        f"LEFT JOIN ({counts}) AS c ON p.d = c.d AND p.person = c.person) AS counted"
    )
