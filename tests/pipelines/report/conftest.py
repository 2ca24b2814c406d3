"""A made-up release folder in the published format, with any zones, dates and tables."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from pipelines.twin.ground import Ground, make_ground

STATUSES = ["ok", "low_precision", "structural_zero", "no_data", "not_released"]
LIMIT = 0.3
SD = {"panel": 5.5, "presence": 40.0, "visits": 16.0, "od_flows": 18.5}
COUNTS = {"panel": "persons", "presence": "persons", "visits": "persons", "od_flows": "trips"}
TABLES = tuple(SD)
ZONE = ZoneInfo("Asia/Seoul")

FakeRelease = Callable[..., Path]


@pytest.fixture(scope="session")
def fake_release() -> FakeRelease:
    return write_release


def write_release(  # noqa: PLR0913  a fake has many faces
    folder: Path,
    *,
    zones: int = 36,
    dates: Sequence[dt.date] = tuple(dt.date(2026, 3, d) for d in range(2, 9)),
    tables: Sequence[str] = TABLES,
    noisier: float = 1.0,
    title: str = "Daily mobility, Garam (synthetic)",
    names: Sequence[str] | None = None,
    zone_name: str = "Asia/Seoul",
) -> Path:
    """Write a folder with plausible values and return it."""
    ground = make_ground(zones)
    (folder / "tables").mkdir(parents=True)
    rng = np.random.default_rng(5)
    for table in tables:
        frames = [_rows(table, date, ground, rng, noisier, zone_name) for date in dates]
        _write_table(folder / "tables" / table, pd.concat(frames, ignore_index=True))
    _write_zones(folder / "zones.geojson", ground, names or ground.names)
    (folder / "README.md").write_text(f"# {title}\n", encoding="utf-8")
    _write_json(folder / "datapackage.json", {"title": title, "resources": []})
    _write_json(folder / "privacy.json", {"release": "garam-0001", "guarantee": _guarantee(tables)})
    _write_json(folder / "manifest.json", _manifest(title, tables, dates))
    return folder


def _rows(
    table: str, date: dt.date, ground: Ground, rng: np.random.Generator, noisier: float, zone: str
) -> pd.DataFrame:
    keys, truth, measured = _truth(table, date, ground, zone)
    sd = np.where(measured, SD[table] * noisier, 0.0)
    value = np.round(truth + rng.normal(size=len(truth)) * sd)
    half = 1.959964 * sd
    code = np.where(measured, np.where(sd > LIMIT * value, 1, 0), 2)
    status = pd.Categorical.from_codes(code, STATUSES)
    return keys.assign(
        value=value, sd=sd, lo95=value - half, hi95=value + half, status=status.astype(str)
    )


def _truth(
    table: str, date: dt.date, ground: Ground, zone: str
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    ids, people = np.array(ground.codes), 20_000 * ground.residents
    if table == "presence":
        start = dt.datetime.combine(date, dt.time(4), ZoneInfo(zone))
        end = dt.datetime.combine(date + dt.timedelta(days=1), dt.time(4), ZoneInfo(zone))
        bins = round((end.timestamp() - start.timestamp()) / 3600)
        pull = np.clip(np.sin((np.arange(bins) - 3) / 12 * np.pi), 0, 1)
        pull = pull * (0.6 if date.weekday() < 5 else 0.2)
        by_hour = (1 - pull)[:, None] * people + pull[:, None] * 20_000 * ground.jobs
        starts = [start.timestamp() + 3600 * k for k in range(bins)]
        frame = pd.DataFrame(
            {
                "date": date,
                "bin": np.repeat(np.arange(bins), len(ids)),
                "bin_start": np.repeat(pd.to_datetime(starts, unit="s", utc=True), len(ids)),
                "zone": np.tile(ids, bins),
            }
        )
        frame["bin_start"] = frame["bin_start"].dt.tz_convert(zone)
        return frame, by_hour.ravel() * 0.8, np.ones(len(frame), bool)
    if table == "visits":
        frame = pd.DataFrame({"date": date, "zone": ids})
        return frame, people * 0.7 + 12_000 * ground.errands, np.ones(len(ids), bool)
    if table == "panel":
        hours, share = ["0", "1-2", "3-5", "6-11", "12+"], np.array([0.02, 0.05, 0.1, 0.28, 0.55])
        night = np.append(people * 0.85, 20_000 * 0.12)
        frame = pd.DataFrame(
            {
                "date": date,
                "overnight": np.repeat([*ids, "unknown"], 5),
                "observed_hours": np.tile(hours, len(ids) + 1),
            }
        )
        return frame, np.outer(night, share).ravel(), np.ones(len(frame), bool)
    frame = pd.DataFrame(
        {"date": date, "origin": np.repeat(ids, len(ids)), "destination": np.tile(ids, len(ids))}
    )
    far = np.hypot(*(ground.centres_m[:, None] - ground.centres_m[None]).transpose(2, 0, 1))
    flow = np.outer(ground.residents, ground.jobs) * np.exp(-far / 2_500)
    np.fill_diagonal(flow, 0.0)
    flow = flow / flow.sum() * 30_000
    return frame, flow.ravel(), (frame["origin"] != frame["destination"]).to_numpy()


def _write_table(path: Path, frame: pd.DataFrame) -> None:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for name in ("zone", "overnight", "observed_hours", "origin", "destination", "status"):
        if name in frame:
            at = table.column_names.index(name)
            table = table.set_column(at, name, table[name].dictionary_encode())
    pq.write_table(table, path.with_suffix(".parquet"))
    frame.head(100).to_csv(path.with_suffix(".csv"), index=False)


def _write_zones(path: Path, ground: Ground, names: Sequence[str]) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {"zone": code, "name": name, "parent": parent, "population": 1000},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for code, name, parent, shape in zip(
            ground.codes, names, ground.districts, ground.shapes, strict=True
        )
    ]
    _write_json(path, {"type": "FeatureCollection", "features": features})


def _guarantee(tables: Sequence[str]) -> dict[str, object]:
    rates = [(1, "1/60", 0.0167, 0.9612), (7, "7/60", 0.1167, 2.5213), (30, "1/2", 0.5, 5.2199)]
    spans = [_span(n, "rate", rho, number, eps) for n, rho, number, eps in rates]
    spans.append(_span(365, "rate", "73/12", 6.0833, 23.2961))
    spans.append(_span(None, "ledger", "7/60", 0.1167, 2.5213))
    return {
        "unit": "30 dates in a row of one person",
        "unit_details": "Everything that one person did in any 30 dates in a row (a date starts at"
        " 04:00, Asia/Seoul).",
        "subject": "person",
        "window_days": 30,
        "attestation": "The custodian attests that one person has at most 1 identifier on any one"
        " date. Identifiers change: never.",
        "policy": {"day_starts": "04:00", "time_zone": "Asia/Seoul"},
        "spans": spans,
        "tables": [
            {
                "table": table,
                "summary": f"What {table} counts.",
                "counts": COUNTS[table],
                "bounds": {},
                "notes": [],
                "mechanism": "discrete_gaussian",
                "scale": SD[table],
                "factor": 1,
                "sd": SD[table],
            }
            for table in tables
        ],
        "not_promised": [
            "It does not stop guessing from regularity.",
            "Losses add up across ledgers.",
        ],
    }


def _span(
    dates: int | None, basis: str, rho: str, number: float, epsilon: float
) -> dict[str, object]:
    words = "the series so far" if dates is None else "1 date" if dates == 1 else f"{dates} dates"
    return {
        "span": words,
        "dates": dates,
        "basis": basis,
        "rho": rho,
        "rho_float": number,
        "epsilon": epsilon,
        "delta": 1e-6,
        "attack_bound": [{"p_out": 0.01, "p_in_at_most": min(1.0, 0.02 * (1 + 9 * number))}],
    }


def _manifest(title: str, tables: Sequence[str], dates: Sequence[dt.date]) -> dict[str, object]:
    return {
        "format": "murmuration-release",
        "format_version": 1,
        "release": "garam-0001",
        "title": title,
        "tables": list(tables),
        "zones": {"origin": "zones.geojson", "digest": "0" * 64},
        "spec": {
            "dates": {"start": dates[0].isoformat(), "days": len(dates)},
            "release": {"max_relative_sd": LIMIT},
        },
        "files": {},
    }


def _write_json(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
