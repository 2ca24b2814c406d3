"""Scalar functions over Arrow arrays, as Spark calls them; only H3 needs one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipelines.errors import ResourceError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Function = Callable[[pa.Array, pa.Array], pa.Array]


def register(spark: SparkSession, functions: Mapping[str, Function]) -> frozenset[str]:
    """Make functions over (lat_e7, lon_e7) known to SQL; return their names.

    They run in Python on the executors, which need this package and its h3 extra.

    Raises:
        ResourceError: this Spark has no functions over Arrow arrays.
    """
    if not functions:
        return frozenset()
    from pyspark.sql import functions as known

    make: Any = getattr(known, "arrow_udf", None)
    if make is None:
        raise ResourceError(
            "engine: H3 zones need Spark 4.1 or later. Install it, use a grid, or write name = "
            '"duckdb" under [engine]; nothing was charged.'
        )
    for name, function in functions.items():
        spark.udf.register(name, make(_two(function), "int"))
    return frozenset(functions)


def _two(function: Function) -> Function:
    """Return a function of two arrays and nothing else: Spark looks at the signature."""

    def found(lat_e7: pa.Array, lon_e7: pa.Array) -> pa.Array:
        return function(lat_e7, lon_e7)

    return found
