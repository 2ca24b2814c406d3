"""The files of a city, and those beside the records: zones, lists, spec and policy."""

from __future__ import annotations

import importlib.resources
import json
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipelines.twin.names import CITY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.schemas.calendar import Calendar
    from pipelines.twin.ground import Ground
    from pipelines.twin.people import Phones

LEDGER = "city.ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class CityFiles:
    """Paths of a synthetic city.

    Attributes:
        folder: The folder that holds all of it.
        zones: GeoJSON polygons with code, name, district and population.
        pings: Glob of Parquet files, one a date: subscriber, ts (UTC), lat, lon.
        checkins: CSV of check-ins, or None where the settings want none.
        devices: CSV of phone and person.
        opt_outs: CSV of people to leave out.
        spec, policy: ``release.toml`` and ``policy.toml``.
        ledger: Where the spec expects the ledger; nothing is written there.
    """

    folder: Path
    zones: Path
    pings: Path
    checkins: Path | None
    devices: Path
    opt_outs: Path
    spec: Path
    policy: Path
    ledger: Path


def city_files(folder: Path, *, checkins: bool) -> CityFiles:
    """Return the paths of a city in a folder."""
    return CityFiles(
        folder=folder,
        zones=folder / "zones.geojson",
        pings=folder / "pings" / "*.parquet",
        checkins=folder / "checkins.csv" if checkins else None,
        devices=folder / "devices.csv",
        opt_outs=folder / "optout.csv",
        spec=folder / "release.toml",
        policy=folder / "policy.toml",
        ledger=folder / LEDGER,
    )


def write_zones(path: Path, ground: Ground, *, residents: int) -> None:
    """Write zones as GeoJSON: code, name, district, population (declared, made up)."""
    population = np.maximum(10, np.round(ground.residents * residents, -1)).astype(int)
    rows = zip(ground.codes, ground.names, ground.districts, population, ground.shapes, strict=True)
    features = [
        {
            "type": "Feature",
            "properties": {
                "code": code,
                "name": name,
                "district": district,
                "population": int(count),
            },
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for code, name, district, count, shape in rows
    ]
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in features)
    head = f'{{"type": "FeatureCollection", "name": "{CITY} (synthetic)", "features": [\n'
    path.write_text(head + lines + "\n]}\n", encoding="utf-8")


def write_lists(files: CityFiles, *, phones: Phones, opt_outs: NDArray[np.int64]) -> None:
    """Write which phones are one person's, and who asked to be left out.

    A person is named by the id of the first phone. Only second phones need a line.
    """
    people = int(phones.owner.max()) + 1
    second, first = phones.ids[people:], phones.ids[phones.owner[people:]]
    lines = [f"{phone},{person}" for phone, person in zip(second, first, strict=True)]
    files.devices.write_text("\n".join(["phone,person", *lines, ""]), encoding="utf-8")
    leaves = [str(person) for person in phones.ids[opt_outs]]
    files.opt_outs.write_text("\n".join(["person", *leaves, ""]), encoding="utf-8")


def write_settings(files: CityFiles, *, calendar: Calendar, residents: int) -> None:
    """Write a commented spec of all four tables, and the policy that fits it."""
    words: dict[str, object] = {
        "city": CITY,
        "start": calendar.start,
        "days": calendar.days,
        "ledger": LEDGER,
        "time_zone": calendar.time_zone,
        "population": max(2, residents),
    }
    words["checkins"] = _filled("checkins.toml", words) if files.checkins else ""
    files.spec.write_text(_filled("release.toml", words), encoding="utf-8")
    files.policy.write_text(_filled("policy.toml", words), encoding="utf-8")


def _filled(name: str, words: dict[str, object]) -> str:
    folder = importlib.resources.files("pipelines.twin") / "templates"
    return Template((folder / name).read_text(encoding="utf-8")).substitute(words)
