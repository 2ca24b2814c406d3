"""From DuckDB's dialect to Spark's: the one place that knows where the two differ.

``sqlglot`` rewrites what it knows. The tables below say the rest. A function that neither knows is
refused: passed on as it is, it could be missing in Spark, or mean something else there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from pipelines.errors import EngineError

_NTZ = "TIMESTAMP_NTZ"


def _ticks_us(time: str) -> str:
    """Return microseconds since 1970; a time without a zone is read as UTC, the session's zone."""
    return f"UNIX_MICROS(CAST({time} AS TIMESTAMP))"


def _ticks_ns(time: str) -> str:
    """Return the column itself: Spark reads times in nanoseconds as numbers (``SETTINGS``)."""
    return time


def _distinct(values: str) -> str:
    """Return an array's values, each once."""
    return f"ARRAY_DISTINCT({values})"


FUNCTIONS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"EPOCH_US": _ticks_us, "EPOCH_NS": _ticks_ns, "LIST_DISTINCT": _distinct}
)
"""Functions of DuckDB that ``sqlglot`` does not know, as Spark SQL over Spark SQL."""

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "spark.sql.ansi.enabled": "true",
        "spark.sql.caseSensitive": "true",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.legacy.parquet.nanosAsLong": "true",
        "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
        "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
        "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
        "spark.sql.csv.parser.columnPruning.enabled": "false",
        "spark.sql.parser.escapedStringLiterals": "false",
        "spark.sql.files.ignoreCorruptFiles": "false",
        "spark.sql.files.ignoreMissingFiles": "false",
    }
)
"""Settings under which Spark reads files and statements as DuckDB does."""


def to_spark(sql: str, *, functions: Iterable[str] = ()) -> str:
    """Return one statement of DuckDB's dialect as Spark SQL with the same meaning.

    Args:
        sql: The statement.
        functions: Names of registered functions, passed on as they are.

    Raises:
        EngineError: the statement holds what has no known form in Spark.
    """
    import sqlglot
    from sqlglot.errors import ErrorLevel, SqlglotError

    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
        tree = _inlined(tree.transform(partial(_replaced, passed=frozenset(functions))))
        text: str = tree.sql(dialect="spark", identify=True, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError:
        raise EngineError(
            "engine: a statement has no form in Spark's dialect. Write name = "
            '"duckdb" under [engine], and report the tables of your spec; nothing was charged.'
        ) from None
    return text


def _inlined(tree: Any) -> Any:
    """Return a statement with subqueries for its WITH: Spark finds no kept rows under a WITH."""
    from sqlglot import exp

    while (clause := tree.find(exp.With)) is not None:
        query = clause.parent
        clause.pop()
        bodies: dict[str, Any] = {}
        for part in [*clause.expressions, query]:
            body = part if part is query else part.this
            for table in list(body.find_all(exp.Table)):
                if table.name in bodies and not table.db:
                    alias = exp.TableAlias(this=exp.to_identifier(table.alias_or_name))
                    table.replace(exp.Subquery(this=bodies[table.name].copy(), alias=alias))
            if part is not query:
                bodies[part.alias] = body
    return tree


def _replaced(node: Any, *, passed: frozenset[str]) -> Any:
    """Return a node in the form that Spark's generator writes rightly."""
    from sqlglot import exp

    if isinstance(node, exp.UnixToTime):
        # MAKE_TIMESTAMP counts microseconds and has no zone; TO_TIMESTAMP counts seconds and has.
        if node.args.get("scale") is None:
            return _spark(f"TIMESTAMP_SECONDS({node.this.sql()})")
        return _spark(f"CAST(TIMESTAMP_MICROS({node.this.sql()}) AS {_NTZ})")
    if not isinstance(node, exp.Anonymous) or node.name in passed:
        return node
    if node.name.upper() not in FUNCTIONS:
        raise EngineError(f"engine: the function {node.name} is not known in Spark's dialect.")
    (argument,) = node.expressions
    return _spark(FUNCTIONS[node.name.upper()](argument.sql(dialect="spark", identify=True)))


def _spark(sql: str) -> Any:
    import sqlglot

    return sqlglot.parse_one(sql, read="spark")
