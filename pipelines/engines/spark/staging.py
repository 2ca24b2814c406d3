"""Staging: all sources once through, each person's records in one partition.

Partitions are a hash of the person, and of nothing else: what follows is done person by person
without moving a record again. Rows that are set aside stay, with the reason, to be counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.engines.spark.reading import Relations, raw_relation
from pipelines.ingest.check import CheckedSource
from pipelines.ingest.clean import Reading, clean_sql
from pipelines.schemas.zones import ZoneLookup

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

STAGED = "ingest_staged"
"""Relation of all rows: ``source``, ``reason``, and of a good one all that ``points`` needs."""
_LOCATED = "ingest_located"


def stage(
    relations: Relations,
    sources: tuple[CheckedSource, ...],
    reading: Reading,
    *,
    lookup: ZoneLookup,
    partitions: int,
) -> DataFrame:
    """Make ``STAGED`` and return it, to be kept by who reads it more than once."""
    from pyspark.sql import functions

    zoned: list[str] = []
    located: list[str] = []
    for checked in sources:
        clean = clean_sql(checked, reading, raw=raw_relation(checked))
        rows = f"SELECT {', '.join(_columns(checked, reading))} FROM ({clean}) AS clean"
        (zoned if "zone" in checked.columns else located).append(rows)
    names = ", ".join(_names(reading))
    if located:
        relations.make(_LOCATED, " UNION ALL ".join(located))
        zoned.append(f"SELECT {names}, zone FROM ({lookup.sql(_LOCATED)}) AS found")
    rows = relations.select(" UNION ALL ".join(zoned))
    kind = "bigint" if reading.ids == "integer" else "string"
    # Rows set aside belong to nobody: they stay spread as they are in the files.
    spread = functions.coalesce("person", functions.spark_partition_id().cast(kind))
    staged = rows.withColumn("person", spread).repartition(partitions, "person")
    staged.createOrReplaceTempView(STAGED)
    return staged


def records_sql(reading: Reading) -> str:
    """Return the SELECT of the good rows."""
    ends = ["d_end", "t_end", "declared"] if reading.declared else []
    columns = ", ".join(["person", "d", "t", *ends, "lat_e7", "lon_e7", *reading.extra, "zone"])
    return f"SELECT {columns} FROM {STAGED} WHERE reason = 0"


def _names(reading: Reading) -> list[str]:
    ends = ["d_end", "t_end", "declared"] if reading.declared else []
    return ["source", "reason", "person", "d", "t", *ends, "lat_e7", "lon_e7", *reading.extra]


def _columns(checked: CheckedSource, reading: Reading) -> list[str]:
    special = {
        "source": f"CAST({checked.number} AS INTEGER) AS source",
        "person": "CASE WHEN reason = 0 THEN person END AS person",
    }
    zone = ["zone"] if "zone" in checked.columns else []
    return [*(special.get(name, name) for name in _names(reading)), *zone]
