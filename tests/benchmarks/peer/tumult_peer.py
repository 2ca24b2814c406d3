"""Tumult Analytics on Spark, two local threads: at most 8 cells a person, one row in each."""

from __future__ import annotations

from collections.abc import Callable

OUTSIDE = True  # Spark's own process does the work


def load() -> Callable[[str], int]:
    import os
    import sys

    os.environ["PYSPARK_PYTHON"] = sys.executable

    from pyspark.sql import SparkSession
    from tmlt.analytics import (
        AddRowsWithID,
        KeySet,
        MaxGroupsPerID,
        MaxRowsPerGroupPerID,
        QueryBuilder,
        RhoZCDPBudget,
        Session,
    )

    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "4g")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    keys = KeySet.from_tuples([(cell,) for cell in range(48_000)], columns=["cell"])

    def work(file: str) -> int:
        visits = spark.read.parquet(file)
        visits = visits.selectExpr("person", "CAST(zone * 24 + hour AS BIGINT) AS cell")
        session = Session.from_dataframe(
            privacy_budget=RhoZCDPBudget(0.5),
            source_id="visits",
            dataframe=visits,
            protected_change=AddRowsWithID("person"),
        )
        query = (
            QueryBuilder("visits")
            .enforce(MaxGroupsPerID("cell", 8))
            .enforce(MaxRowsPerGroupPerID("cell", 1))
            .groupby(keys)
            .count()
        )
        return len(session.evaluate(query, RhoZCDPBudget(0.5)).collect())

    return work
