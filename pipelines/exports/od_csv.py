"""Origin-destination CSV with the columns of the Spanish transport ministry's open data."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import ExportError
from pipelines.exports._csv import numbers, write_csv
from pipelines.exports._export import Export
from pipelines.exports._source import Source, absent_rows

_PAIR = ("date", "origin", "destination")


def _write(source: Source, folder: Path) -> list[str]:
    frame, keys = source.table("od_flows"), source.keys("od_flows")
    if not set(_PAIR) <= set(keys):
        raise ExportError(
            f"od-csv needs od_flows by origin and destination, not {', '.join(keys)}."
        )
    others = [key for key in keys if key not in {*_PAIR, "bin", "bin_start"}]
    hours = [""] * len(frame)
    if "bin_start" in keys:
        hours = [str(hour) for hour in frame["bin_start"].dt.hour]
    elif "day_part" in keys:
        hours = [str(int(part[:2])) for part in frame["day_part"].astype(str)]
    columns = {
        "date": [str(day) for day in frame["date"].dt.strftime("%Y-%m-%d")],
        "hour": hours,
        **{key: frame[key].astype(str).tolist() for key in others},
        "id_origin": frame["origin"].astype(str).tolist(),
        "id_destination": frame["destination"].astype(str).tolist(),
        "n_trips": numbers(frame["value"]),
        "sd": numbers(frame["sd"]),
        "status": frame["status"].astype(str).tolist(),
    }
    write_csv(folder / "od.csv", columns)
    if "day_part" in keys:
        told = ["`hour` is the local hour at which the day part starts."]
    elif "bin_start" in keys:
        told = ["`hour` is the local hour at which the time bin starts."]
    else:
        told = ["`hour` is empty: a row counts a whole date."]
    if "od_flows" in source.release.thresholded:
        told.append(absent_rows(float(source.release["od_flows"].attrs["released_from"])))
    return [*told, *(f"`{key}` is a further key of the release." for key in others)]


EXPORT = Export(
    name="od-csv",
    summary="Trips between zones in one long CSV, with the columns of the Spanish ministry's data.",
    needs="od_flows",
    writes={"od.csv": "date, hour, id_origin, id_destination, n_trips, sd, status"},
    orientation="one row a date and pair; `id_origin` is where a trip starts.",
    units="`n_trips` and `sd` are trips of the bounded panel.",
    missing="`n_trips` is unbiased and may be negative: keep that when you add up.",
    read=(
        "import pandas as pd\n"
        'ids = {"id_origin": str, "id_destination": str}\n'
        'od = pd.read_csv("od.csv", dtype=ids, keep_default_na=False,\n'
        '                 na_values={"n_trips": "NA", "sd": "NA"})'
    ),
    write=_write,
    source="Ministerio de Transportes y Movilidad Sostenible, open mobility data, codebook of the"
    " R package spanishoddata.",
)
