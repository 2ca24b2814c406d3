"""Sampling: few distinct cells, each counted once, chosen from that person's own records alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dp.bounding import Sampling
from dp.errors import BoundError
from dp.tables import Sensitive

People = dict[tuple[int, str], dict[int, int]]
Totals = dict[tuple[int, int], int]
RunRule = Callable[[Sampling, People], Totals]

SECRET = bytes(range(32))
VECTORS = st.dictionaries(st.integers(0, 40), st.integers(1, 9), max_size=15)
NAMES = st.sampled_from(["ana", "bo's", "칠성", "x|1", "x"])
PEOPLE = st.dictionaries(st.tuples(st.integers(0, 2), NAMES), VECTORS, max_size=6)
CAPS = st.integers(1, 8)


def _by_hand(rule: Sampling, people: People) -> Totals:
    totals: dict[tuple[int, int], int] = defaultdict(int)
    for (d, person), contributions in people.items():
        kept = rule.reference(contributions, table="visits", person=person, d=d)
        for cell, one in kept.items():
            totals[d, cell] += one
    return dict(totals)


@settings(deadline=None, max_examples=120)
@given(CAPS, PEOPLE)
def test_sql_equals_the_reference(run_rule: RunRule, cap: int, people: People) -> None:
    rule = Sampling(cap, SECRET)
    assert run_rule(rule, people) == _by_hand(rule, people)


@given(CAPS, VECTORS)
def test_one_person_keeps_at_most_the_cap_each_exactly_once(
    cap: int, vector: dict[int, int]
) -> None:
    rule = Sampling(cap, SECRET)
    kept = rule.reference(vector)
    assert len(kept) == min(cap, len(vector)) <= rule.bounds.l0
    assert set(kept.values()) <= {1}
    assert sum(kept.values()) <= rule.bounds.l1
    assert sum(v * v for v in kept.values()) <= rule.bounds.l2_squared
    assert rule.bounds.linf == 1


@settings(deadline=None, max_examples=60)
@given(CAPS, PEOPLE, NAMES)
def test_removing_a_person_removes_that_persons_cells_and_no_others(
    run_rule: RunRule, cap: int, people: People, gone: str
) -> None:
    rule = Sampling(cap, SECRET)
    without = {key: cells for key, cells in people.items() if key[1] != gone}
    only = {key: cells for key, cells in people.items() if key[1] == gone}
    everyone = Counter(run_rule(rule, people))
    everyone.subtract(run_rule(rule, without))
    assert {cell: n for cell, n in everyone.items() if n} == run_rule(rule, only)


def test_repeated_rows_of_a_person_and_cell_count_once(
    connection: duckdb.DuckDBPyConnection, run_rule: RunRule
) -> None:
    run_rule(Sampling(2, SECRET), {})
    connection.execute("INSERT INTO given VALUES (0,'a',1,3), (0,'a',1,2), (0,'a',7,1)")
    sql = Sampling(2, SECRET).sql(Sensitive(table="visits", statement="SELECT * FROM given"))
    assert sorted(connection.execute(sql).fetchall()) == [(0, 1, 1), (0, 7, 1)]


def test_which_cells_are_kept_depends_on_secret_table_person_and_date() -> None:
    vector = dict.fromkeys(range(200), 1)
    rule = Sampling(20, SECRET)
    usual = rule.reference(vector, table="visits", person="a", d=0)
    others = [
        Sampling(20, SECRET[::-1]).reference(vector, table="visits", person="a", d=0),
        rule.reference(vector, table="od_flows", person="a", d=0),
        rule.reference(vector, table="visits", person="b", d=0),
        rule.reference(vector, table="visits", person="a", d=1),
    ]
    assert all(set(other) != set(usual) for other in others)


def test_how_often_a_cell_was_visited_does_not_change_its_chance() -> None:
    once = Sampling(3, SECRET).reference(dict.fromkeys(range(50), 1))
    often = Sampling(3, SECRET).reference({cell: 1 + cell for cell in range(50)})
    assert once == often


def test_every_cell_is_kept_about_equally_often() -> None:
    rule, kept = Sampling(2, SECRET), Counter[int]()
    for n in range(4000):
        kept.update(rule.reference(dict.fromkeys(range(8), 1), person=str(n)))
    # 4,000 draws of 2 in 8: mean 1,000, sd 27
    assert all(1000 - 135 < kept[cell] < 1000 + 135 for cell in range(8))


def test_the_secret_is_never_shown() -> None:
    assert SECRET.hex() not in repr(Sampling(2, SECRET))
    assert str(SECRET) not in repr(Sampling(2, SECRET))


def test_values_that_are_not_positive_and_unnamed_persons_are_not_counted(
    connection: duckdb.DuckDBPyConnection, run_rule: RunRule
) -> None:
    run_rule(Sampling(4, SECRET), {})
    connection.execute("INSERT INTO given VALUES (0,'a',1,0), (0,'a',2,-5), (0,NULL,3,1)")
    connection.execute("INSERT INTO given VALUES (0,'a',4,2)")
    sql = Sampling(4, SECRET).sql(Sensitive(table="visits", statement="SELECT * FROM given"))
    assert connection.execute(sql).fetchall() == [(0, 4, 1)]


@pytest.mark.parametrize("cap", [0, -3, 1.5])
def test_a_cap_below_one_is_refused(cap: int) -> None:
    with pytest.raises(BoundError, match="cap must be an integer of 1 or more"):
        Sampling(cap, SECRET)


def test_a_short_secret_is_refused_without_showing_it() -> None:
    with pytest.raises(BoundError, match="16 bytes or more") as refused:
        Sampling(1, b"hunter2")
    assert "hunter2" not in str(refused.value)


def test_a_table_name_that_could_end_the_string_is_refused() -> None:
    with pytest.raises(BoundError, match="small identifier"):
        Sampling(1, SECRET).sql(Sensitive(table="x'; --", statement="SELECT 1"))


def test_summed_persons_are_refused() -> None:
    summed = Sensitive(table="presence", statement="SELECT 1", aggregated=True)
    with pytest.raises(BoundError, match="already sums persons"):
        Sampling(1, SECRET).sql(summed)
