"""Inherent bounds: sums as they are, and a construction that breaks its promise is found."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dp.bounding import Inherent
from dp.bounds import Bounds
from dp.errors import BoundError
from dp.tables import Sensitive

People = dict[tuple[int, str], dict[int, int]]
Totals = dict[tuple[int, int], int]
RunRule = Callable[[Inherent, People], Totals]

ONE_A_BIN = Bounds(l0=24, l1=24, l2_squared=24, linf=1)


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 2), st.sampled_from("abc")),
        st.dictionaries(st.integers(0, 9), st.just(1), max_size=5),
        max_size=5,
    )
)
def test_sql_sums_persons(run_rule: RunRule, people: People) -> None:
    expected: dict[tuple[int, int], int] = {}
    for (d, _), cells in people.items():
        for cell, v in Inherent(ONE_A_BIN).reference(cells).items():
            expected[d, cell] = expected.get((d, cell), 0) + v
    assert run_rule(Inherent(ONE_A_BIN), people) == expected


def test_rows_that_are_summed_already_may_be_partial(connection: duckdb.DuckDBPyConnection) -> None:
    statement = "SELECT * FROM (VALUES (0, 5, 7), (0, 5, 3), (1, 5, 1)) AS t(d, cell, v)"
    sql = Inherent(ONE_A_BIN).sql(Sensitive(table="presence", statement=statement, aggregated=True))
    assert sorted(connection.execute(sql).fetchall()) == [(0, 5, 10), (1, 5, 1)]


@pytest.mark.parametrize(
    ("contributions", "broken"),
    [
        (dict.fromkeys(range(25), 1), "l0, l1, l2_squared"),
        ({0: 2}, "linf"),
        ({0: 5}, "l2_squared, linf"),
    ],
)
def test_a_person_beyond_the_declared_bounds_is_found(
    contributions: dict[int, int], broken: str
) -> None:
    with pytest.raises(BoundError, match=f"more than the declared {broken}:"):
        Inherent(ONE_A_BIN).reference(contributions)


def test_the_bounds_are_those_declared_and_the_lattice_is_the_unit() -> None:
    assert Inherent(ONE_A_BIN).bounds == ONE_A_BIN
    assert Inherent(ONE_A_BIN).factor == 1
