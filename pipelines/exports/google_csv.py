"""The columns of Google's COVID-19 Community Mobility Reports: percent change from a baseline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import ExportError
from pipelines.exports._csv import numbers, write_csv
from pipelines.exports._export import NA, Export
from pipelines.exports._source import Source

if TYPE_CHECKING:
    import pandas as pd

_TABLE = "change_from_baseline"
_PLACES = (
    "country_region_code",
    "country_region",
    "sub_region_1",
    "sub_region_2",
    "metro_area",
    "iso_3166_2_code",
    "census_fips_code",
    "place_id",
    "date",
)
_CATEGORIES = (
    "retail_and_recreation",
    "grocery_and_pharmacy",
    "parks",
    "transit_stations",
    "workplaces",
    "residential",
)
_ENDING = "_percent_change_from_baseline"


def _write(source: Source, folder: Path) -> list[str]:
    changes = {}
    for path in source.paths(_TABLE):
        name = path.rpartition("/")[2].removeprefix(f"{_TABLE}_").removesuffix(".parquet")
        frame = source.frame(path)
        if {"date", "zone", "value"} <= set(frame.columns):
            changes[name] = frame
    if not changes:
        raise ExportError(
            f"google-csv needs {_TABLE} of a table by zone, and {source.release.id} has none. Add"
            f' a [[derived]] entry with table = "{_TABLE}" and of = "visits" to the spec, and'
            " release again."
        )
    rows = _rows(changes)
    write_csv(folder / "mobility.csv", _columns(rows, changes, source=source))
    return [
        (
            f"Of Google's categories, {_held(changes)}; the others are NA on every row. What the"
            " release measures itself follows them, with the ends of its 95% noise interval."
        ),
        (
            "Sign: below 0 is fewer than the baseline, as in Google's files. Numbers are not"
            " rounded to whole percent. Google withholds what may be wrong by 10 points; here the"
            " interval says how wrong a value may be."
        ),
    ]


def _rows(changes: dict[str, pd.DataFrame]) -> list[tuple[str, str]]:
    """Return every date and zone for which some table has a row, in published order."""
    seen: dict[tuple[str, str], None] = {}
    for frame in changes.values():
        seen.update(dict.fromkeys(_keys(frame)))
    return sorted(seen, key=lambda key: key[0])


def _keys(frame: pd.DataFrame) -> list[tuple[str, str]]:
    dates = frame["date"].dt.strftime("%Y-%m-%d")
    return list(zip(dates, frame["zone"].astype(str), strict=True))


def _columns(
    rows: list[tuple[str, str]], changes: dict[str, pd.DataFrame], *, source: Source
) -> dict[str, list[str]]:
    zones = source.zones
    names = dict(zip(source.ids, zones["name"], strict=True))
    parents = dict(zip(source.ids, zones["parent"], strict=True))
    columns = {place: [""] * len(rows) for place in _PLACES}
    columns["sub_region_1"] = [str(parents.get(zone) or "") for _, zone in rows]
    columns["sub_region_2"] = [str(names.get(zone) or "") for _, zone in rows]
    columns["place_id"] = [zone for _, zone in rows]
    columns["date"] = [date for date, _ in rows]
    for category in _CATEGORIES:
        columns[f"{category}{_ENDING}"] = [NA] * len(rows)
    for name, frame in changes.items():
        for figure, ending in (("value", ""), ("lo95", "_lo95"), ("hi95", "_hi95")):
            held = dict(zip(_keys(frame), frame[figure], strict=True))
            columns[f"{name}{_ENDING}{ending}"] = numbers(held.get(key) for key in rows)
    return columns


def _held(changes: dict[str, pd.DataFrame]) -> str:
    held = [name for name in _CATEGORIES if name in changes]
    return f"this release holds {', '.join(held)}" if held else "this release holds none"


EXPORT = Export(
    name="google-csv",
    summary="Google's Community Mobility columns: percent change from a baseline by zone and date.",
    needs="change_from_baseline of a table by zone",
    writes={"mobility.csv": "Google's place and date columns, its categories, and the own tables"},
    orientation="one row a zone and date; no matrix.",
    units="percent: -20 is 20% below the baseline, 0 is no change.",
    missing="Google leaves a value blank; here a blank is never a 0 either, and NA is written.",
    read='import pandas as pd\nmobility = pd.read_csv("mobility.csv", dtype={"place_id": str})',
    write=_write,
    source="Google LLC, COVID-19 Community Mobility Reports, CSV documentation.",
)
