"""Release folders whose every status is chosen, and one reader for each export format."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.release.manifest import write_manifest
from pipelines.release.status import STATUSES

ZONES = ("007", 'b,"x"', "NA")
DATES = ("2026-03-02", "2026-03-03")
TIME_ZONE = "Asia/Seoul"
BINS = 2
SD = 4.0
MISSING = {"no_data", "not_released"}
Cells = dict[tuple[str, ...], float | None]

PAIRS = [("od_flows", *key) for key in product(DATES, ZONES, ZONES)]
VISITS = [("visits", *key) for key in product(DATES, ZONES)]
HOURS = [("presence", d, str(b), z) for d, b, z in product(DATES, range(BINS), ZONES)]
CELLS = [*PAIRS, *VISITS, *HOURS]


def structural(cell: tuple[str, ...]) -> bool:
    """Tell whether a cell is 0 by definition."""
    return cell[0] == "od_flows" and cell[2] == cell[3]


def make_folder(
    folder: Path,
    *,
    statuses: Mapping[tuple[str, ...], str],
    values: Mapping[tuple[str, ...], float],
    parts: tuple[str, ...] = ("changes",),
    population: tuple[int | None, ...] = (100, 200, 300),
) -> Path:
    """Write a release folder with these statuses and values; structural zeros are added.

    ``parts`` names what it holds beside three measured tables: changes, modelled, persons.
    """
    for part in ("tables", "measurements", "for_models"):
        (folder / part).mkdir(parents=True)
    status = {c: "structural_zero" if structural(c) else statuses[c] for c in CELLS}
    value = {c: 0.0 if structural(c) else float(values[c]) for c in CELLS}

    def rows(cells: list[tuple[str, ...]], names: list[str]) -> dict[str, Any]:
        keys = {name: [c[i + 1] for c in cells] for i, name in enumerate(names)}
        keys["date"] = pa.array(pd.to_datetime(keys["date"]).date)
        figures = [value[c] for c in cells]
        sd = [0.0 if structural(c) else SD for c in cells]
        return {
            **keys,
            "value": figures,
            "sd": sd,
            "lo95": [v - 2 * s for v, s in zip(figures, sd, strict=True)],
            "hi95": [v + 2 * s for v, s in zip(figures, sd, strict=True)],
            "status": pa.array([status[c] for c in cells]).dictionary_encode(),
        }

    tables = {
        "od_flows": rows(PAIRS, ["date", "origin", "destination"]),
        "visits": rows(VISITS, ["date", "zone"]),
        "presence": _hours(rows(HOURS, ["date", "bin", "zone"])),
    }
    for name, columns in tables.items():
        _parquet(folder / "tables" / f"{name}.parquet", columns)
    if "modelled" in parts:
        shrunk = {k: tables["od_flows"][k] for k in ("date", "origin", "destination")}
        means = [0.0 if structural(c) else abs(value[c]) + 0.75 for c in PAIRS]
        shrunk |= {
            "biased_value": [round(mean) for mean in means],
            "biased_mean": means,
            "biased_sd": [2.0] * len(means),
            "status": tables["od_flows"]["status"],
        }
        _parquet(folder / "for_models" / "od_flows_biased.parquet", shrunk)
    derived = _derived(folder, tables=tables, values=values, parts=parts)
    _zones(folder, population)
    told = [{"table": t, "counts": "", "bounds": {}, "notes": [], "mechanism": ""} for t in tables]
    policy = {"time_zone": TIME_ZONE, "day_starts": "04:00"}
    privacy = {"guarantee": {"unit": "one person, 30 dates", "policy": policy, "tables": told}}
    (folder / "privacy.json").write_text(json.dumps(privacy), encoding="utf-8")
    write_manifest(
        folder,
        {"release": "town-0001", "title": "Town", "tables": list(tables), "derived": derived},
    )
    return folder


def _derived(
    folder: Path, *, tables: Mapping[str, dict[str, Any]], values: Mapping[Any, float], parts: Any
) -> list[str]:
    """Write derived tables beside the measured ones, and their entries; return their names."""
    visits = tables["visits"]
    level = ["parent"] * len(VISITS)
    places = [f"district of {zone}" for zone in visits["zone"]]
    found = {"totals_visits": {"date": visits["date"], "level": level, **visits, "zone": places}}
    if "changes" in parts:
        found["change_from_baseline_visits"] = visits
    if "persons" in parts:
        everyone = {**tables["od_flows"], "value": [abs(values[c]) for c in PAIRS]}
        everyone["status"] = pa.array(["ok"] * len(PAIRS)).dictionary_encode()
        found["od_persons"] = everyone
    told = {"title": "", "counts": "persons", "bias": "", "interval": ""}
    package = {"resources": [{"path": f"tables/{name}.parquet", **told} for name in found]}
    (folder / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    for name, columns in found.items():
        _parquet(folder / "tables" / f"{name}.parquet", columns)
    return list(found)


def _hours(columns: dict[str, Any]) -> dict[str, Any]:
    bins = np.array([int(b) for b in columns["bin"]], dtype=np.int64)
    midnight = pd.to_datetime(pd.Series(columns["date"].to_pylist())).dt.tz_localize(TIME_ZONE)
    starts = (midnight + pd.to_timedelta(4 + 12 * bins, unit="h")).dt.as_unit("ms")
    return {
        "date": columns["date"],
        "bin": bins,
        "bin_start": pa.array(starts).cast(pa.timestamp("ms", tz=TIME_ZONE)),
        **{k: v for k, v in columns.items() if k not in {"date", "bin"}},
    }


def _parquet(path: Path, columns: dict[str, Any]) -> None:
    names = {"zone", "origin", "destination"}
    arrays = {k: pa.array(v).dictionary_encode() if k in names else v for k, v in columns.items()}
    pq.write_table(pa.table(arrays), path)


def _zones(folder: Path, population: tuple[int | None, ...]) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {"zone": z, "name": f"Name {z}", "parent": "", "population": people},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[x, 37], [x + 0.1, 37], [x + 0.1, 37.1], [x, 37.1], [x, 37]]],
            },
        }
        for x, z, people in zip((127.0, 127.1, 127.2), ZONES, population, strict=True)
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features})
    (folder / "zones.geojson").write_text(text, encoding="utf-8")


def plain(seed: int = 1) -> tuple[dict[tuple[str, ...], str], dict[tuple[str, ...], float]]:
    """Return statuses that hold each kind, and values of both signs, none of them 0."""
    rng = np.random.default_rng(seed)
    kinds = ["ok", "partial", "no_data", "not_released", "low_precision"]
    assert {*kinds, "structural_zero"} == set(STATUSES)
    statuses = {c: kinds[i % len(kinds)] for i, c in enumerate(CELLS)}
    values = {c: float(rng.integers(1, 90)) * (-1) ** (i % 4 == 3) for i, c in enumerate(CELLS)}
    return statuses, values


def _number(text: str) -> float | None:
    return None if text == "NA" else float(text)


def _text(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def read_od_csv(folder: Path) -> Cells:
    """Read od-csv back."""
    rows = _text(folder / "od.csv")
    keys = zip(rows["date"], rows["id_origin"], rows["id_destination"], strict=True)
    return {("od_flows", *k): _number(v) for k, v in zip(keys, rows["n_trips"], strict=True)}


def read_skmob(folder: Path) -> Cells:
    """Read skmob back, whichever column holds the flows."""
    rows = _text(folder / "flows.csv")
    (flow,) = [name for name in rows.columns if name.startswith("flow")]
    keys = zip(rows["datetime"], rows["origin"], rows["destination"], strict=True)
    return {("od_flows", *k): _number(v) for k, v in zip(keys, rows[flow], strict=True)}


def read_r_mobility(folder: Path) -> Cells:
    """Read M of every date back."""
    found: Cells = {}
    for path in sorted((folder / "M").iterdir()):
        rows = _text(path)
        for _, row in rows.iterrows():
            for zone in rows.columns[1:]:
                found["od_flows", path.name[:10], row["origin"], zone] = _number(row[zone])
    return found


def read_covidcast(folder: Path) -> Cells:
    """Read every signal back, its codes checked against its blanks."""
    found: Cells = {}
    for path in sorted(folder.glob("*.csv")):
        stamp, _, signal = path.stem.split("_", 2)
        date = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:]}"
        for _, row in _text(path).iterrows():
            found[signal, date, row["geo_id"]] = _number(row["val"])
            for name in ("val", "se", "sample_size"):
                assert (row[name] == "NA") == (row[f"missing_{name}"] != "0")
    return found


def read_geoparquet(folder: Path) -> Cells:
    """Read every table back with GeoPandas."""
    import geopandas as gpd

    found: Cells = {}
    for path in sorted(folder.glob("*.parquet")):
        rows = gpd.read_parquet(path)
        assert rows.geometry.notna().all()
        names = [k for k in ("bin", "origin", "destination", "zone") if k in rows.columns]
        for _, row in rows.iterrows():
            key = (path.stem, str(row["date"])[:10], *(str(row[name]) for name in names))
            found[key] = None if pd.isna(row["value"]) else float(row["value"])
    return found


def read_google_csv(folder: Path) -> Cells:
    """Read the own column back; Google's own categories must be NA."""
    rows = _text(folder / "mobility.csv")
    assert (rows["parks_percent_change_from_baseline"] == "NA").all()
    values = rows["visits_percent_change_from_baseline"]
    keys = zip(rows["date"], rows["place_id"], strict=True)
    return {("visits", *k): _number(v) for k, v in zip(keys, values, strict=True)}


def read_epydemix(folder: Path) -> Cells:
    """Read the mobility layer back."""
    (path,) = folder.rglob("contacts_matrix_*.csv")
    matrix = pd.read_csv(path, header=None).to_numpy(float)
    people = _text(next(folder.rglob("population.csv")))
    ids = people["group_name"].tolist()
    return {("layer", ids[i], ids[j]): matrix[i, j] for i, j in np.ndindex(matrix.shape)}


READERS: Mapping[str, Callable[[Path], Cells]] = {
    "od-csv": read_od_csv,
    "skmob": read_skmob,
    "r-mobility": read_r_mobility,
    "covidcast": read_covidcast,
    "geoparquet": read_geoparquet,
    "google-csv": read_google_csv,
    "epydemix": read_epydemix,
}
