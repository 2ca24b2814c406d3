"""Weighting over levels: SQL equals the plain rule, every level keeps its own cap, all agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest
import sqlglot
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dp.bounding import Inherent, LevelWeighting, Sampling, Weighting
from dp.bounding.level_weighting import MOST
from dp.bounding.weighting import MAX_V
from dp.bounds import Bounds
from dp.errors import BoundError
from dp.keys import Key, KeySet
from dp.lifts import Lift
from dp.tables import Sensitive

People = dict[tuple[int, str], dict[int, int]]
Totals = dict[tuple[int, int], int]
RunRule = Callable[[LevelWeighting, People], Totals]


def _keys(parts: int, zones: int) -> KeySet:
    numbers = tuple(range(zones))
    return KeySet((Key("part", tuple(range(parts))), Key("origin", numbers), Key("to", numbers)))


LEAF = _keys(2, 4)
DISTRICTS = Lift(LEAF, _keys(2, 2), (None, (0, 1, 1, 0), (0, 1, 1, 0)))
CITY = Lift(LEAF, _keys(2, 1), (None, (0,) * 4, (0,) * 4))
LIFTS = (DISTRICTS, CITY)
VALUES = st.one_of(st.integers(1, 4), st.integers(1, 300), st.integers(1, 2 * MAX_V))
VECTORS = st.dictionaries(st.integers(0, LEAF.size - 1), VALUES, max_size=20)
RULES = st.builds(
    lambda caps, factor: LevelWeighting(caps=caps, lifts=LIFTS, factor=factor),
    caps=st.tuples(*[st.integers(1, 1024)] * 3),
    factor=st.sampled_from([1, 7, 4096]),
)
PEOPLE = st.dictionaries(st.tuples(st.integers(0, 1), st.sampled_from("ab")), VECTORS, max_size=4)


def _lifted(weights: dict[int, int], lift: Lift) -> dict[int, int]:
    found: dict[int, int] = defaultdict(int)
    for cell, w in weights.items():
        found[lift.cell(cell)] += w
    return found


@settings(deadline=None, max_examples=80)
@given(RULES, PEOPLE)
@example(LevelWeighting(caps=(1, 1, 1), lifts=LIFTS), {(0, "a"): dict.fromkeys(range(20), MAX_V)})
def test_sql_equals_the_reference(run_rule: RunRule, rule: LevelWeighting, people: People) -> None:
    due: dict[tuple[int, int], int] = defaultdict(int)
    for (d, _), contributions in people.items():
        for cell, weight in rule.reference(contributions).items():
            due[d, cell] += weight
    assert {key: total for key, total in run_rule(rule, people).items() if total} == dict(due)


@settings(max_examples=200)
@given(RULES, VECTORS)
@example(LevelWeighting(caps=(4, 4, 4), lifts=LIFTS), {1: 1, 2: 1, 5: 1, 9: 1})
@example(LevelWeighting(caps=(9, 2, 9), lifts=LIFTS), {1: 1, 2: 1, 5: 1, 9: 1})
def test_one_person_stays_within_the_bounds_of_every_level(
    rule: LevelWeighting, vector: dict[int, int]
) -> None:
    leaves = rule.reference(vector)
    for level in range(3):
        weights = leaves if level == 0 else _lifted(leaves, LIFTS[level - 1])
        bounds = rule.coarser(level)
        assert sum(w * w for w in weights.values()) <= bounds.l2_squared
        assert max(weights.values(), default=0) <= bounds.linf
        assert len(weights) <= bounds.l0
        assert sum(weights.values()) <= bounds.l1


def test_each_level_comes_close_to_its_cap_when_it_binds() -> None:
    vector = {1: 3, 2: 2, 4: 3, 9: 1}
    for binding in range(3):
        caps = tuple(2 if level == binding else 1024 for level in range(3))
        rule = LevelWeighting(caps=caps, lifts=LIFTS)
        leaves = rule.reference(vector)
        weights = leaves if binding == 0 else _lifted(leaves, LIFTS[binding - 1])
        square = sum(w * w for w in weights.values())
        assert 0.99 < square / rule.coarser(binding).l2_squared <= 1.0


@given(st.integers(1, 32), VECTORS)
def test_squared_caps_above_weigh_nobody_down_whom_the_leaves_leave_whole(
    cap: int, vector: dict[int, int]
) -> None:
    rule = LevelWeighting(caps=(cap, cap**2, cap**2), lifts=LIFTS)
    if sum(v * v for v in vector.values()) <= cap:
        assert rule.reference(vector) == Weighting(cap).reference(vector)


@given(RULES, VECTORS)
def test_all_cells_of_a_person_shrink_by_one_factor(
    rule: LevelWeighting, vector: dict[int, int]
) -> None:
    clipped = {cell: min(v, MAX_V) for cell, v in vector.items()}
    weights = rule.reference(vector)
    low = max((w / v for c, v in clipped.items() if (w := weights.get(c, 0))), default=0.0)
    for cell, v in clipped.items():
        assert weights.get(cell, 0) > low * v - 1.0 - 1e-6 * v


def test_who_adds_more_than_anyone_can_adds_nothing(run_rule: RunRule) -> None:
    rule = LevelWeighting(caps=(4, 16, 16), lifts=LIFTS)
    machine = dict.fromkeys(range(6), MAX_V)
    assert sum(machine.values()) > MOST
    assert rule.reference(machine) == {}
    found = run_rule(rule, {(0, "a"): machine, (0, "b"): {0: 1}})
    assert {key: total for key, total in found.items() if total} == {(0, 0): 4096}


def test_no_product_in_the_statement_can_overflow() -> None:
    assert MOST * (MAX_V + 1) * 2**32 <= 2**62, "squares, read up to MOST, of one person's cells"


def test_levels_of_the_other_rules_hold_when_all_meets_in_one_cell() -> None:
    assert Sampling(3, bytes(32)).coarser(1) == Bounds(l0=3, l1=3, l2_squared=9, linf=3)
    assert Sampling(3, bytes(32)).coarser(0) == Sampling(3, bytes(32)).bounds
    assert Weighting(4, norm=1).coarser(2) == Weighting(4, norm=1).bounds
    with pytest.raises(BoundError, match="LevelWeighting"):
        Weighting(4).coarser(1)
    bounds = Bounds(l0=24, l1=24, l2_squared=24, linf=1)
    assert Inherent(bounds, apart=True).coarser(2) == bounds
    assert Inherent(bounds).coarser(1) == Bounds(l0=24, l1=24, l2_squared=576, linf=24)


def test_caps_that_cannot_be_kept_are_refused() -> None:
    with pytest.raises(BoundError, match="one cap for the leaves"):
        LevelWeighting(caps=(4,), lifts=LIFTS)
    with pytest.raises(BoundError, match="at most 1024"):
        LevelWeighting(caps=(4, 16, 1025), lifts=LIFTS)
    with pytest.raises(BoundError, match="cap must be"):
        LevelWeighting(caps=(4, 0, 16), lifts=LIFTS)


def test_a_lift_adds_up_the_cells_that_it_joins_and_maps_one_cell_as_all() -> None:
    cells = DISTRICTS.cells()
    assert [DISTRICTS.cell(i) for i in range(LEAF.size)] == cells.tolist()
    totals = np.arange(LEAF.size, dtype=np.int64)
    assert DISTRICTS.added(totals).tolist() == [
        int(totals[cells == c].sum()) for c in range(DISTRICTS.coarse.size)
    ]
    with pytest.raises(BoundError, match="none to spare"):
        Lift(LEAF, _keys(2, 3), (None, (0, 1, 1, 0), (0, 1, 1, 0)))


def test_statements_of_levels_transpile_to_spark() -> None:
    sql = LevelWeighting(caps=(4, 16, 16), lifts=LIFTS).sql(
        Sensitive(table="od_flows", statement="SELECT d, person, cell, v FROM moves")
    )
    (spark,) = sqlglot.transpile(sql, read="duckdb", write="spark")
    tree = sqlglot.parse_one(spark, read="spark")
    assert [column.alias_or_name for column in tree.selects] == ["d", "cell", "total"]
    assert not list(tree.find_all(sqlglot.exp.Div)), "a division in floating point would round"
