"""Every statement can be read by Spark, and holds nothing that engines compute differently."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import sqlglot
from harness import NEEDS, SECRET, STRATA, calendar, make_world
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from pipelines.ingest.strata import strata_sql
from pipelines.schemas.traces import TraceParams
from pipelines.tables import TABLES, sensitive
from pipelines.traces import trace_statements

WORLD = make_world(5, calendar(dt.date(2026, 10, 30)))
OPTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "visits": {"": {}, "-categories": {"categories": ("shop", "it's")}},
    "od_flows": {"": {}, "-parts": {"day_parts": ("04-10", "10-02", "02-04")}},
    "panel": {"": {}, "-strata": {"strata": ("sex", "age_band")}},
    "presence": {"": {}, "-strata": {"strata": ("age_band",)}},
}


def _own() -> Iterator[tuple[str, str]]:
    for declared in (True, False):
        for name, sql in trace_statements(
            WORLD, TraceParams(), needs=NEEDS | {"strata"}, declared=declared
        ):
            yield f"{name}-{declared}", sql
    for name, table in TABLES.items():
        for label, options in OPTIONS.get(name, {"": {}}).items():
            params = table.params(table=name, **options)
            yield f"{name}{label}", sensitive(table, WORLD, params).statement


def _bounded() -> Iterator[tuple[str, str]]:
    choices: list[dict[str, Any]] = [{}, {"noise": "laplace"}, {"bounding": "sampling"}]
    for name, table in TABLES.items():
        for choice in choices:
            if "bounding" in choice and "cap" not in table.params.model_fields:
                continue
            params = table.params(table=name, **choice)
            rule = table.rule(WORLD, params, WORLD.calendar.dates[0], SECRET)
            label = "-".join([name, *choice.values()])
            yield label, rule.sql(sensitive(table, WORLD, params))


OWN, BOUNDED = dict(_own()), dict(_bounded())
BOUNDED["strata-file"] = strata_sql(STRATA, "listed", mapped=True)


@pytest.mark.parametrize("name", [*OWN, *BOUNDED])
def test_spark_can_read_it(name: str) -> None:
    sql = {**OWN, **BOUNDED}[name]
    (spark,) = sqlglot.transpile(
        sql, read="duckdb", write="spark", unsupported_level=ErrorLevel.RAISE
    )
    tree = sqlglot.parse_one(spark, read="spark")
    unknown = {node.name for node in tree.find_all(exp.Anonymous)}
    assert not unknown, "functions that the transpiler does not know are passed on as they are"
    assert "//" not in spark


@pytest.mark.parametrize("name", OWN)
def test_it_is_made_of_whole_numbers(name: str) -> None:
    tree = sqlglot.parse_one(OWN[name], read="duckdb")
    assert not list(tree.find_all(exp.Div)), "a quotient must be a floor division"
    assert all(node.is_int for node in tree.find_all(exp.Literal))
    kinds = {node.to.this for node in tree.find_all(exp.Cast)}
    assert kinds <= {exp.DataType.Type.BIGINT, exp.DataType.Type.INT}


@pytest.mark.parametrize("name", OWN)
def test_no_sum_is_left_in_an_engines_own_type(name: str) -> None:
    tree = sqlglot.parse_one(OWN[name], read="duckdb")
    loose = [s for s in tree.find_all(exp.Sum) if not isinstance(s.parent, exp.Cast)]
    assert not loose


@pytest.mark.parametrize("name", OWN)
def test_windows_are_ordered_and_begin_with_the_person(name: str) -> None:
    tree = sqlglot.parse_one(OWN[name], read="duckdb")
    for window in tree.find_all(exp.Window):
        assert [c.name for c in window.args["partition_by"]] == ["person", "d"]
        assert window.args["order"]


@pytest.mark.parametrize("name", OWN)
def test_windows_treat_ties_as_one_and_only_a_maximum_looks_at_rows(name: str) -> None:
    # A frame of ROWS would number ties in the order in which an engine happens to hold them.
    tree = sqlglot.parse_one(OWN[name], read="duckdb")
    framed = [w for w in tree.find_all(exp.Window) if w.args.get("spec")]
    assert all(isinstance(window.this, exp.Max) for window in framed)
