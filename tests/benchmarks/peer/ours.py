"""Murmuration: a bounding rule's own statement in DuckDB, then OpenDP's noise in every cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dp.bounding import Rule

CELLS, CAP = 2000 * 24, 8


def with_rule(rule: Rule) -> Callable[[str], int]:
    """Return the work under one bounding rule."""
    import duckdb
    import numpy as np

    from dp.loss import Rho
    from dp.mechanisms import gaussian
    from dp.tables import Sensitive

    con = duckdb.connect(config={"threads": 2})
    mechanism = gaussian(rule.bounds, Rho.of("1/2"), rule.factor)

    def work(file: str) -> int:
        statement = (
            "SELECT 0 AS d, person, CAST(zone * 24 + hour AS BIGINT) AS cell, "
            f"CAST(1 AS BIGINT) AS v FROM '{file}'"
        )
        sensitive = Sensitive(table="visits", statement=statement, once=True)
        found = con.sql(rule.sql(sensitive)).fetchnumpy()
        totals = np.zeros(CELLS, dtype=np.int64)
        totals[found["cell"]] = found["total"]
        return int(mechanism.draw(totals, threads=2).size)

    return work


def load() -> Callable[[str], int]:
    from dp.bounding import Weighting

    return with_rule(Weighting(cap=CAP))
