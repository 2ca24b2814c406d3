"""Who counts once in a cell counts the same however many rows say so, under every rule."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dp.bounding import Inherent, LevelWeighting, Rule, Sampling, Weighting
from dp.bounds import Bounds
from dp.keys import Key, KeySet
from dp.lifts import Lift
from dp.tables import Sensitive

_LEAVES, _ABOVE = (KeySet((Key("zone", tuple(range(n))),)) for n in (40, 2))
_LIFT = Lift(_LEAVES, _ABOVE, ((0, 1) * 20,))
RULES: dict[str, Rule] = {
    "weighting": Weighting(4),
    "weighting to an L1 norm": Weighting(4, norm=1),
    "sampling": Sampling(3, bytes(32)),
    "levels": LevelWeighting(caps=(4, 9), lifts=(_LIFT,)),
    "inherent": Inherent(Bounds(l0=40, l1=40, l2_squared=40, linf=1)),
}
RunRule = Callable[..., dict[tuple[int, int], int]]


@pytest.mark.parametrize("name", RULES)
@settings(deadline=None, max_examples=25)
@given(
    people=st.dictionaries(
        st.tuples(st.integers(0, 1), st.sampled_from(["ana", "bo's", "칠성"])),
        st.sets(st.integers(0, 39), max_size=30),
        max_size=5,
    ),
    times=st.integers(1, 3),
)
def test_repeated_rows_change_nothing(
    run_rule: RunRule, name: str, people: dict[tuple[int, str], set[int]], times: int
) -> None:
    rule = RULES[name]
    once = {who: dict.fromkeys(cells, 1) for who, cells in people.items()}
    found = run_rule(rule, once, once=True, times=times)
    assert found == run_rule(rule, once)
    assert found == run_rule(rule, {who: dict.fromkeys(c, 7) for who, c in once.items()}, once=True)


@pytest.mark.parametrize("name", RULES)
def test_a_row_of_nobody_or_of_nothing_is_not_counted(
    connection: duckdb.DuckDBPyConnection, run_rule: RunRule, name: str
) -> None:
    run_rule(RULES[name], {})
    connection.execute("INSERT INTO given VALUES (0, 'a', 4, 1), (0, 'a', 3, 0), (0, 'a', 2, NULL)")
    connection.execute("INSERT INTO given VALUES (0, NULL, 5, 1), (0, NULL, 5, 1)")
    made = Sensitive(table="visits", statement="SELECT * FROM given", once=True)
    found = connection.execute(RULES[name].sql(made)).fetchall()
    assert found == [(0, 4, RULES[name].factor)]
