"""The statements transpile to Spark with the same meaning."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from dp.bounding import Inherent, Rule, Sampling, Weighting
from dp.bounds import Bounds
from dp.tables import Sensitive
from pipelines.engines.spark.dialect import to_spark

STATEMENT = "SELECT d, person, cell, CAST(COUNT(*) AS BIGINT) AS v FROM stays GROUP BY 1, 2, 3"
RULES = [
    Inherent(Bounds(l0=1, l1=1, l2_squared=1, linf=1)),
    Weighting(4),
    Weighting(4, norm=1),
    Sampling(4, bytes(32)),
]


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_statements_transpile_to_spark(rule: Rule, once: bool) -> None:
    sql = rule.sql(Sensitive(table="visits", statement=STATEMENT, once=once))
    spark = to_spark(sql)
    tree = sqlglot.parse_one(spark, read="spark")
    assert [column.alias_or_name for column in tree.selects] == ["d", "cell", "total"]
    assert not list(tree.find_all(exp.Div)), "a division in floating point would round"
    assert "MATERIALIZED" not in spark


def test_whole_division_and_hash_have_sparks_names() -> None:
    def spark(rule: Rule) -> str:
        sql = rule.sql(Sensitive(table="visits", statement=STATEMENT))
        return sqlglot.transpile(sql, read="duckdb", write="spark")[0]

    assert " DIV " in spark(Weighting(4))
    assert " DIV " in spark(Weighting(4, norm=1))
    assert ", 256)" in spark(Sampling(4, bytes(32)))
