"""The lookups mean the same after translation to Spark's dialect."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
import sqlglot
from zone_truth import built, degrees_of, e7, field, located, write_zones

from pipelines.schemas.zones import ZoneLookup
from pipelines.zones import grid_zones


class _ThereAndBack:
    """A lookup whose statement went to Spark's dialect and came back."""

    def __init__(self, lookup: ZoneLookup) -> None:
        self.relations, self.functions, self._lookup = lookup.relations, lookup.functions, lookup

    def sql(self, relation: str) -> str:
        spark = sqlglot.transpile(self._lookup.sql(relation), read="duckdb", write="spark")[0]
        assert "//" not in spark
        assert ">>" not in spark
        return sqlglot.transpile(spark, read="spark", write="duckdb")[0]


def test_polygons_keep_their_answers() -> None:
    rings = [
        shapely.Polygon([(0, 0), (19, 3), (7, 17)]),
        shapely.Polygon([(19, 3), (7, 17), (22, 20)]),
    ]
    shapes = degrees_of(rings, east=-582_345_678, north=-346_123_457)
    lookup, _ = built(shapes, bits=4, leaf_bits=1)
    lat, lon = field(shapes)
    np.testing.assert_array_equal(
        located(_ThereAndBack(lookup), lat, lon), located(lookup, lat, lon)
    )


@pytest.mark.parametrize("hollow", [False, True])
def test_grids_keep_their_answers(tmp_path: Path, hollow: bool) -> None:
    area = shapely.box(-58.53, -34.7, -58.33, -34.53)
    area -= shapely.box(-58.5, -34.65, -58.4, -34.6) if hollow else shapely.Polygon()
    zones = grid_zones(write_zones(tmp_path / "a.gpkg", [area], n=[1]), cell_m=900)
    rng = np.random.default_rng(3)
    lon, lat = e7(rng.uniform(-58.6, -58.3, 2_000)), e7(rng.uniform(-34.8, -34.5, 2_000))
    there = located(_ThereAndBack(zones.lookup), lat, lon)
    np.testing.assert_array_equal(there, located(zones.lookup, lat, lon))
    assert len(np.unique(there)) > 100


def test_a_relation_may_have_any_columns_and_be_a_query(tmp_path: Path) -> None:
    import duckdb

    area = write_zones(tmp_path / "a.gpkg", [shapely.box(126.9, 37.5, 127, 37.6)], n=[1])
    lookup = grid_zones(area, cell_m=900).lookup
    with duckdb.connect() as con:
        for name, table in lookup.relations.items():
            con.register(name, table)
        row = "375500000 AS lat_e7, 1269500000 AS lon_e7, 7 AS row, 8 AS slot"
        query = f"(SELECT 'é''x' AS person, {row})"
        got = con.sql(lookup.sql(query)).fetchall()
    assert [row[:5] for row in got] == [("é'x", 375_500_000, 1_269_500_000, 7, 8)]
    assert got[0][5] >= 0
