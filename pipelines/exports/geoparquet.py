"""GeoParquet: each table by zone with the zone's polygon, and flows as lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import ExportError
from pipelines.exports._export import Export
from pipelines.exports._source import Source, absent_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import pyarrow as pa

_RESIDENCE = ("overnight", "home")
_NUMBERS = ("value", "sd", "lo95", "hi95", "released_from")


def _write(source: Source, folder: Path) -> list[str]:
    from shapely.geometry import LineString

    zones = source.zones.set_index(source.zones["zone"].astype(str))
    polygons = {zone: shape.wkb for zone, shape in zones.geometry.items()}
    points = {zone: shape.representative_point() for zone, shape in zones.geometry.items()}
    written = []
    for name in source.release:
        keys = source.keys(name)
        if source.about_zones(name, "zone"):
            frame = source.table(name)
            shapes = [polygons[zone] for zone in frame["zone"].astype(str)]
            kinds = sorted(set(zones.geometry.geom_type))
        elif source.about_zones(name, "origin", "destination"):
            frame = source.table(name)
            pairs = list(
                zip(frame["origin"].astype(str), frame["destination"].astype(str), strict=True)
            )
            lines = {pair: LineString([points[zone] for zone in pair]).wkb for pair in set(pairs)}
            shapes, kinds = [lines[pair] for pair in pairs], ["LineString"]
        elif (lives := next((key for key in keys if key in _RESIDENCE), None)) is not None:
            frame = source.table(name)
            shapes = [polygons.get(zone) for zone in frame[lives].astype(str)]
            kinds = sorted(set(zones.geometry.geom_type))
        else:
            continue
        if name in source.release.thresholded:
            written.append(f"`{name}`: {absent_rows(float(frame['released_from'].max()))}")
        _table(frame, shapes, path=folder / f"{name}.parquet", kinds=kinds)
        written.append(f"`{name}.parquet` has the keys {', '.join(f'`{key}`' for key in keys)}.")
    if not written:
        raise ExportError(
            "geoparquet needs a table by zone, or by origin and destination, such as visits. Add a"
            ' [[tables]] entry with table = "visits" to the spec, and release again.'
        )
    return written


def _table(
    frame: pd.DataFrame, shapes: Sequence[bytes | None], *, path: Path, kinds: list[str]
) -> None:
    """Write a table one date at a time: a polygon stands in every row of its zone."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    geo = {"geo": json.dumps(_geo(kinds))}
    whole = _columns(frame)
    with pq.ParquetWriter(
        path,
        pa.schema([*whole.schema, ("geometry", pa.binary())]).with_metadata(geo),
        compression="zstd",
        version="2.6",
    ) as file:
        for start, length in _spans(frame):
            rows = whole.slice(start, length)
            drawn = pa.array(shapes[start : start + length], pa.binary())
            file.write_table(rows.append_column("geometry", drawn).replace_schema_metadata(geo))


def _spans(frame: pd.DataFrame) -> list[tuple[int, int]]:
    """Return first row and number of rows of each date; published rows are in date order."""
    counts = frame.groupby("date", sort=True).size()
    starts = counts.cumsum() - counts
    return list(zip(starts.tolist(), counts.tolist(), strict=True))


def _columns(frame: pd.DataFrame) -> pa.Table:
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for name in frame.columns:
        if name in _NUMBERS:
            columns[name] = pa.array(frame[name], pa.float64(), from_pandas=True)
        elif name in {"date", "from_date"}:
            columns[name] = pa.array(frame[name]).cast(pa.date32())
        elif name == "bin_start":
            zone = pa.timestamp("ms", tz=str(frame[name].dt.tz))
            columns[name] = pa.array(frame[name]).cast(zone)
        elif frame[name].dtype.kind in "iu":
            columns[name] = pa.array(frame[name], pa.int64())
        else:
            columns[name] = pa.array(frame[name].astype(str), pa.string()).dictionary_encode()
    return pa.table(columns)


def _geo(kinds: list[str]) -> Mapping[str, Any]:
    return {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": kinds}},
    }


EXPORT = Export(
    name="geoparquet",
    summary="GeoParquet for QGIS, GeoPandas, DuckDB or R: tables with polygons, flows as lines.",
    needs="a table by zone, by overnight zone or home, or by origin and destination",
    writes={"TABLE.parquet": "the table's keys, value, sd, lo95, hi95, status and geometry"},
    orientation="one row a cell; people of an overnight zone or home have its polygon, those of an"
    " unknown one none; a line leads from inside the origin to inside the destination.",
    units="`value` and `sd` are what the table counts, of the bounded panel; WGS 84 degrees.",
    missing="`value` is unbiased and may be negative.",
    read='import geopandas as gpd\nvisits = gpd.read_parquet("visits.parquet")',
    write=_write,
    source="GeoParquet 1.1.0; without a crs, coordinates are OGC:CRS84.",
)
