"""scikit-mobility: a FlowDataFrame and its tessellation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.exports._csv import numbers, write_csv
from pipelines.exports._export import Export
from pipelines.exports._source import Source

if TYPE_CHECKING:
    import geopandas as gpd


def _write(source: Source, folder: Path) -> list[str]:
    flows = source.flows()
    frame, flow = flows.frame, f"flow{flows.suffix}"
    columns = {
        "origin": frame["origin"].tolist(),
        "destination": frame["destination"].tolist(),
        "datetime": frame["date"].dt.strftime("%Y-%m-%d").tolist(),
        flow: numbers(frame["value"]),
        "sd": numbers(frame["sd"]),
        "status": frame["status"].astype(str).tolist(),
    }
    write_csv(folder / "flows.csv", columns)
    text = _tessellation(source.zones)
    (folder / "tessellation.geojson").write_text(text, encoding="utf-8", newline="\n")
    return [flows.remark, f"The column of flows is `{flow}`: name it when you read, as below."]


def _tessellation(zones: gpd.GeoDataFrame) -> str:
    """Return the zones as GeoJSON with ``tile_ID``, one feature a line in published order."""
    known = zones["population"].notna()
    lines = []
    for at in range(len(zones)):
        row = zones.iloc[at]
        properties = {
            "tile_ID": str(row["zone"]),
            "name": str(row["name"] or ""),
            "population": int(row["population"]) if known.iloc[at] else None,
        }
        feature = {
            "type": "Feature",
            "properties": properties,
            "geometry": row["geometry"].__geo_interface__,
        }
        lines.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"


EXPORT = Export(
    name="skmob",
    summary="scikit-mobility: flows for a FlowDataFrame, and the tessellation with tile_ID.",
    needs="od_flows by pair alone, and for_models/od_flows or --clip",
    writes={
        "flows.csv": "origin, destination, datetime, flow or flow_clipped_at_0, sd, status",
        "tessellation.geojson": "the zones, WGS 84: tile_ID, name, population",
    },
    orientation="one row a date and pair; `origin` is where a trip starts.",
    units="flows and `sd` are trips of the panel on the date.",
    missing="Drop NA rows before fitting: a missing flow is no zero flow.",
    read=(
        "import geopandas as gpd, pandas as pd\n"
        "from skmob import FlowDataFrame\n"
        'tiles = gpd.read_file("tessellation.geojson")\n'
        'flow = "flow_clipped_at_0"  # or "flow": see the header\n'
        'flows = pd.read_csv("flows.csv", dtype={"origin": str, "destination": str},\n'
        '                    keep_default_na=False, na_values={flow: "NA", "sd": "NA"})\n'
        "fdf = FlowDataFrame(flows.dropna(subset=[flow]), flow=flow,\n"
        '                    tessellation=tiles, tile_id="tile_ID")'
    ),
    write=_write,
    nonnegative=True,
    source="Pappalardo et al. 2022 (J. Stat. Softw. 103:4), class FlowDataFrame.",
)
