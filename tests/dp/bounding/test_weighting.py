"""Weighting: SQL equals the plain rule, and nobody exceeds the cap."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dp.bounding import Weighting
from dp.bounding.weighting import MAX_CAP, MAX_SQUARE, MAX_V
from dp.errors import BoundError
from dp.tables import Sensitive

People = dict[tuple[int, str], dict[int, int]]
Totals = dict[tuple[int, int], int]
RunRule = Callable[[Weighting, People], Totals]

VALUES = st.one_of(st.integers(1, 5), st.integers(1, 200), st.integers(1, 2 * MAX_V))
VECTORS = st.dictionaries(st.integers(0, 40), VALUES, max_size=25)
FACTORS = st.sampled_from([1, 2, 7, 64, 4095, 4096])
RULES = st.builds(
    Weighting, cap=st.integers(1, MAX_CAP), factor=FACTORS, norm=st.sampled_from([1, 2])
)
PEOPLE = st.dictionaries(
    st.tuples(st.integers(0, 2), st.sampled_from(["ana", "bo's", "칠성", "x|1", ""])),
    VECTORS,
    max_size=6,
)


def _by_hand(rule: Weighting, people: People) -> Totals:
    totals: dict[tuple[int, int], int] = defaultdict(int)
    for (d, _), contributions in people.items():
        for cell, weight in rule.reference(contributions).items():
            totals[d, cell] += weight
    return dict(totals)


@settings(deadline=None, max_examples=120)
@given(RULES, PEOPLE)
@example(Weighting(cap=MAX_CAP), {(0, "a"): dict.fromkeys(range(40), MAX_V)})
@example(Weighting(cap=1), {(0, "a"): {0: MAX_V}})
@example(Weighting(cap=3), {(0, "a"): {0: 1, 1: 1, 2: 1, 3: 1}})
def test_sql_equals_the_reference(run_rule: RunRule, rule: Weighting, people: People) -> None:
    found = {key: total for key, total in run_rule(rule, people).items() if total}
    assert found == _by_hand(rule, people)


@settings(max_examples=300)
@given(RULES, VECTORS)
def test_one_person_stays_within_the_bounds(rule: Weighting, vector: dict[int, int]) -> None:
    weights = list(rule.reference(vector).values())
    assert len(weights) <= rule.bounds.l0
    assert sum(weights) <= rule.bounds.l1
    assert sum(w * w for w in weights) <= rule.bounds.l2_squared
    assert max(weights, default=0) <= rule.bounds.linf


@given(st.integers(1, MAX_CAP), FACTORS)
def test_norm_2_bounds_are_cap_times_factor_squared(cap: int, factor: int) -> None:
    bounds = Weighting(cap, factor).bounds
    assert bounds.l2_squared == cap * factor**2
    assert bounds.linf == math.isqrt(cap * factor**2)
    assert Weighting(cap, factor, 1).bounds.l1 == cap * factor


@pytest.mark.parametrize("rule", [Weighting(4), Weighting(4, norm=1)])
def test_the_bound_is_reached_by_some_person(rule: Weighting) -> None:
    weights = rule.reference({0: 2}) if rule.norm == 2 else rule.reference({0: 4})
    assert max(weights.values()) == rule.bounds.linf
    spread = rule.reference(dict.fromkeys(range(4), 1)).values()
    assert sum(spread) == 4 * 4096
    if rule.norm == 2:
        assert sum(w * w for w in spread) == rule.bounds.l2_squared


@given(RULES, VECTORS)
def test_who_is_below_the_cap_is_counted_in_full(rule: Weighting, vector: dict[int, int]) -> None:
    norm = sum(min(v, MAX_V) ** rule.norm for v in vector.values())
    if norm <= rule.cap:
        assert rule.reference(vector) == {cell: rule.factor * v for cell, v in vector.items()}


@given(RULES, VECTORS)
def test_weighting_keeps_order_and_never_raises_a_value(
    rule: Weighting, vector: dict[int, int]
) -> None:
    weights = rule.reference(vector)
    cells = sorted(vector, key=lambda cell: vector[cell])
    ordered = [weights.get(cell, 0) for cell in cells]
    assert ordered == sorted(ordered)
    assert all(weights.get(cell, 0) <= rule.factor * v for cell, v in vector.items())


@given(st.integers(1, MAX_CAP - 1), VECTORS)
def test_a_larger_cap_never_lowers_a_weight(cap: int, vector: dict[int, int]) -> None:
    small, large = Weighting(cap).reference(vector), Weighting(cap + 1).reference(vector)
    assert all(w <= large.get(cell, 0) for cell, w in small.items())


@given(VECTORS, st.integers(0, 40))
def test_one_more_visit_never_raises_the_weight_of_another_cell(
    vector: dict[int, int], more: int
) -> None:
    before = Weighting(4).reference(vector)
    after = Weighting(4).reference({**vector, more: vector.get(more, 0) + 1})
    assert all(after.get(cell, 0) <= w for cell, w in before.items() if cell != more)


@given(VECTORS)
def test_rounding_loses_less_than_one_lattice_step(vector: dict[int, int]) -> None:
    rule = Weighting(4)
    norm = sum(min(v, MAX_V) ** 2 for v in vector.values())
    if norm > rule.cap:
        for cell, v in vector.items():
            ideal = rule.factor * min(v, MAX_V) * math.sqrt(rule.cap / norm)
            assert ideal - 1.001 <= rule.reference(vector).get(cell, 0) <= ideal + 1e-6


def test_values_of_zero_below_zero_or_unknown_are_not_counted(
    connection: duckdb.DuckDBPyConnection, run_rule: RunRule
) -> None:
    run_rule(Weighting(4), {})
    connection.execute("INSERT INTO given VALUES (0,'a',1,0), (0,'a',2,-5), (0,'a',3,NULL)")
    connection.execute("INSERT INTO given VALUES (0,'a',4,1), (0,NULL,5,1)")
    sql = Weighting(4).sql(Sensitive(table="visits", statement="SELECT * FROM given"))
    assert connection.execute(sql).fetchall() == [(0, 4, 4096)]


def test_no_product_in_the_statement_can_overflow() -> None:
    assert MAX_SQUARE * MAX_V**2 < 2**62
    assert MAX_V**2 * 2**32 < 2**62, "a person's squared norm over the largest key set"
    assert MAX_V**2 >= MAX_CAP, "clipping only meets who is above the cap anyway"


@pytest.mark.parametrize("cap", [0, -1, MAX_CAP + 1, 2.0, True])
def test_a_cap_that_cannot_be_kept_is_refused(cap: int) -> None:
    with pytest.raises(BoundError, match="cap"):
        Weighting(cap)


def test_a_factor_or_norm_that_cannot_be_kept_is_refused() -> None:
    with pytest.raises(BoundError, match="factor must be"):
        Weighting(4, factor=0)
    with pytest.raises(BoundError, match="take a cap of at most 256"):
        Weighting(1000, factor=8192)
    with pytest.raises(BoundError, match="norm must be"):
        Weighting(4, norm=3)  # type: ignore[arg-type]


def test_summed_persons_are_refused() -> None:
    summed = Sensitive(table="presence", statement="SELECT 1", aggregated=True)
    with pytest.raises(BoundError, match="already sums persons"):
        Weighting(4).sql(summed)
