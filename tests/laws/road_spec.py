"""Specs for the laws: every table of the registry, under every option that it declares.

A table or an option that is new is covered without a word here, or a test names what is missing.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

from shapely.geometry import box, mapping

from pipelines.schemas.measured import Measured
from pipelines.tables import TABLES

NEUTRAL = {"table", "share", "max_sd"}
"""Fields that change no statement and no bound."""
OPTIONS: dict[str, dict[str, Any]] = {
    "noise": {"tight": "laplace"},
    "cap": {"tight": 2, "sampled": 2, "levels": 3},
    "levels": {"tight": True, "sampled": True, "levels": True},
    "level_caps": {"levels": {"parent": 4, "city": 6}},
    "bounding": {"sampled": "sampling"},
    "bin_minutes": {"tight": 480},
    "categories": {"sampled": ["shop", "school"]},
    "day_parts": {"sampled": ["04-10", "10-16", "16-04"]},
    "edges_km": {"tight": [1, 3]},
    "oscillation_minutes": {"tight": 0},
    "max_gap_minutes": {"tight": 60},
    "strata": {"tight": ["sex", "age_band"]},
    "min_nights": {},
    "keys": {},  # which cells are released, not how they are counted
}
"""By field: its value in each variant; the default where a variant is not named."""
VARIANTS = ("plain", "tight", "sampled", "levels")
"""As a spec gets it unasked; small caps, strata and Laplace noise; sampling and splits; one
factor over several levels. A level is a measurement of its own, so every law holds of each."""

ONE_DATE = tuple(name for name, table in TABLES.items() if not table.spans)
"""Tables that read the date that they are about, and no other."""
SPANNING = tuple(name for name in TABLES if name not in ONE_DATE)
"""Tables that read several dates at once."""


def tables_of(variant: str, tables: Iterable[str]) -> tuple[str, ...]:
    """The tables of a variant: one factor over levels is a rule of tables with a cap."""
    return tuple(t for t in tables if variant != "levels" or "cap" in TABLES[t].params.model_fields)


def entry(table: Measured, variant: str) -> dict[str, Any]:
    """The ``[[tables]]`` entry of a table in a variant."""
    chosen = {
        name: OPTIONS[name][variant]
        for name in table.params.model_fields
        if variant in OPTIONS.get(name, {})
    }
    if chosen.get("noise") == "laplace" and chosen.get("bounding") == "sampling":
        del chosen["noise"]
    return {"table": table.name, **chosen}


def spec_text(
    variant: str, tables: Iterable[str], *, start: dt.date, days: int, united: bool
) -> str:
    """A whole spec: three sources, people and tables."""
    entries = [_toml(entry(TABLES[table], variant)) for table in tables_of(variant, tables)]
    mapped = 'id_map = "map.csv"\n' if united else ""
    return (
        f'title = "Laws"\ndates = {{ start = {start}, days = {days} }}\n'
        '[series]\nledger = "laws.ledger"\npolicy = "policy.toml"\n'
        '[zones]\nfile = "zones.geojson"\nid = "zone"\nparent = "parent"\n'
        '[[sources]]\nkind = "pings"\npath = "fixes/*.parquet"\n'
        'columns = { person = "who", time = "ts", lat = "lat", lon = "lon" }\n'
        '[[sources]]\nkind = "pings"\npath = "fixes.csv"\ntime_unit = "s"\n'
        'columns = { person = "who", time = "ts", lat = "lat", lon = "lon" }\n'
        '[[sources]]\nkind = "visits"\npath = "visits.parquet"\n'
        'columns = { person = "who", time = "ts", end = "until", lat = "lat", lon = "lon",'
        ' category = "what" }\n'
        f'[people]\n{mapped}exclusions = "out.csv"\n'
        '[people.strata]\nfile = "strata.csv"\nperson = "id"\n'
        'columns = { age_band = ["young", "old"], sex = ["f"] }\n'
        "[release]\nderived = false\nreport = false\n" + "\n".join(entries) + "\n"
    )


def _toml(entry: dict[str, Any]) -> str:
    return "\n".join(["[[tables]]", *(f"{k} = {_value(v)}" for k, v in entry.items())])


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {json.dumps(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


def policy_text(*, ids: int, window: int) -> str:
    return (
        f'cap_rho = "1/2"\nwindow_days = {window}\nids_per_person_per_date = {ids}\n'
        'id_rotation = "never"\ntime_zone = "America/New_York"\nday_starts = "04:00"\n'
        "population = 100000\n"
    )


def zone_features(count: int) -> dict[str, Any]:
    """Squares in a row, two districts."""
    features = [
        {
            "type": "Feature",
            "properties": {"zone": f"z{i:02d}'é", "parent": f"d{2 * i // count}"},
            "geometry": mapping(box(127 + i / 100, 37.495, 127 + (i + 1) / 100, 37.505)),
        }
        for i in range(count)
    ]
    return {"type": "FeatureCollection", "features": features}
