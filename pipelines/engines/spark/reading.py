"""Raw relations: Spark's readers over checked files, under the names that ingest expects."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.engines.spark.dialect import to_spark
from pipelines.errors import SourceError
from pipelines.ingest.check import CheckedSource, Table
from pipelines.ingest.clean import raw_name
from pipelines.ingest.clock import Period
from pipelines.ingest.lines import LINE, MALFORMED, SEPARATOR, fields_sql
from pipelines.ingest.quoting import identifier
from pipelines.ingest.skipping import worth_reading

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

_CORRUPT = "_corrupt"
_BROKEN = f"{_CORRUPT} IS NOT NULL OR STRPOS({LINE}, '\N{REPLACEMENT CHARACTER}') > 0"
"""A line with a separator in it, or with letters that are no UTF-8: Spark replaces those."""


@dataclass(frozen=True, slots=True)
class Relations:
    """Relations of a session by name, made by statements in DuckDB's dialect.

    Attributes:
        spark: The session.
        functions: Names of registered functions.
    """

    spark: SparkSession
    functions: frozenset[str] = frozenset()

    def select(self, sql: str) -> DataFrame:
        """Return what a SELECT gives."""
        return self.spark.sql(to_spark(sql, functions=self.functions))

    def make(self, name: str, sql: str, *, keep: bool = False) -> None:
        """Give a SELECT a name that later statements read; keep its rows on the executors."""
        frame = self.select(sql)
        (frame.persist() if keep else frame).createOrReplaceTempView(_view(name))

    def load(self, name: str, table: pa.Table) -> None:
        """Give a small public table a name; each executor gets a copy of it."""
        from pyspark.sql import functions

        create: Any = self.spark.createDataFrame
        with warnings.catch_warnings():
            # Spark leaves the closing of a socket to the collector where files are encrypted, and
            # warns about versions of pandas, which is not used here.
            warnings.simplefilter("ignore", ResourceWarning)
            warnings.simplefilter("ignore", FutureWarning)
            functions.broadcast(create(table)).createOrReplaceTempView(_view(name))

    def truth(self, sql: str) -> bool:
        """Return the one truth that a SELECT gives."""
        row = self.select(sql).first()
        return row is not None and bool(row[0])

    def scan(self, name: str, table: Table, *, header: bool, label: str) -> None:
        """Give the rows of a table's files a name.

        CSV files give what ``fields_sql`` gives: c0, c1, ... by their place, and ``MALFORMED``.

        Raises:
            SourceError: Spark would leave one of the files out.
        """
        if any(path.name.startswith((".", "_")) for path in table.files.paths):
            raise SourceError(
                f"{label}: Spark leaves out files whose names begin with . or _, and there is one "
                "among those that path means. Rename it, or leave it out of path."
            )
        paths = [f"file://{path}" for path in table.files.paths]
        reader = self.spark.read.option("__globPaths__", "false").option("pathGlobFilter", "*")
        if table.files.format == "parquet":
            frame = reader.parquet(*paths)
        else:
            frame = _lines(reader, header=header).load(paths)
        assert len(frame.inputFiles()) == len(paths), "Spark left a file out"
        if table.layout.typed:
            frame.createOrReplaceTempView(_view(name))
            return
        lines = f"{name}_lines"
        frame.createOrReplaceTempView(_view(lines))
        fields, delimiter = len(table.layout.columns), table.layout.delimiter
        marked = not header
        self.make(
            name,
            fields_sql(lines, fields=fields, delimiter=delimiter, marked=marked, broken=_BROKEN),
        )


def _view(name: str) -> str:
    """Return a relation's name as Spark's methods take it."""
    return "`" + name.replace("`", "``") + "`"


def raw_relation(checked: CheckedSource) -> str:
    """Return the name of a source's raw relation."""
    return f"ingest_raw_{checked.number}"


def make_raw(relations: Relations, checked: CheckedSource, period: Period) -> None:
    """Make the relation of a source's mapped columns, without rows far outside the period."""
    files = f"ingest_files_{checked.number}"
    relations.scan(files, checked.table, header=True, label=checked.source.label)
    names = dict(zip(checked.table.layout.names, column_names(checked.table), strict=True))
    columns = [
        f"{names[column.name]} AS {raw_name(role)}" for role, column in checked.columns.items()
    ]
    columns += [] if checked.table.layout.typed else [MALFORMED]
    inner = f"SELECT {', '.join(columns)} FROM {files}"
    wanted = worth_reading(checked, period)
    where = f" WHERE {wanted}" if wanted else ""
    relations.make(raw_relation(checked), f"SELECT * FROM ({inner}) AS r{where}")


def column_names(table: Table) -> list[str]:
    """Return the SQL names of a table's columns in order, as ``scan`` gives them."""
    if table.files.format == "csv":
        return [f"c{i}" for i in range(len(table.layout.columns))]
    return [identifier(name) for name in table.layout.names]


def _lines(reader: Any, *, header: bool) -> Any:
    """Return a reader of whole lines: one column, for a quote must not join two lines."""
    options = {
        "sep": SEPARATOR,
        "header": header,
        "quote": "",
        "escape": "",
        "encoding": "UTF-8",
        "mode": "PERMISSIVE",
        "columnNameOfCorruptRecord": _CORRUPT,
    }
    return reader.format("csv").schema(f"{LINE} STRING, {_CORRUPT} STRING").options(**options)
