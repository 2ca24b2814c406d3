"""The town with every table and option, and the town seen from towers."""

from __future__ import annotations

import csv

import pyarrow.parquet as pq
from release_town import Town

from pipelines import plan
from pipelines.tables import TABLES

STRATA = """
[people]
strata = { file = "strata.csv", person = "id", columns = { age_band = ["young", "old"] } }
"""
OPTIONS = {
    "panel": 'strata = ["age_band"]',
    "presence": 'strata = ["age_band"]\nbin_minutes = 240',
    "presence_by_overnight": "bin_minutes = 480",
    "visits": 'categories = ["work", "shop"]\ncap = 4',
    "od_flows": 'day_parts = ["04-12", "12-20", "20-04"]',
}


DAILY = [name for name, table in TABLES.items() if not table.spans]  # home: test_release_home


def subscribers(town: Town) -> list[str]:
    files = sorted((town.folder / "pings").glob("*.parquet"))
    return sorted(
        {s for f in files for s in pq.read_table(f).column("subscriber").to_pylist() if s}
    )


def with_everything(town: Town) -> None:
    text = town.spec_file.read_text(encoding="utf-8")
    head, end = text[: text.index("[[tables]]")], text[text.index("[release]") :]
    entries = [f'[[tables]]\ntable = "{n}"\n{OPTIONS.get(n, "")}\n' for n in DAILY]
    head = head.replace("[people]", STRATA).replace(
        'lon = "lon" }\nnaive', 'lon = "lon", category = "category" }\nnaive'
    )
    town.spec_file.write_text(head + "\n".join(entries) + "\n" + end, encoding="utf-8")
    with (town.folder / "strata.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["id", "age_band"])
        lines.writerows((s, ("young", "old", "?")[i % 3]) for i, s in enumerate(subscribers(town)))


def with_towers(town: Town) -> None:
    """Read the same fixes as events at five towers on a row through the city."""
    bounds = plan(town.spec()).world.zones.frame.total_bounds
    west, south, east, north = (float(bound) for bound in bounds)
    with (town.folder / "towers.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["cell", "y", "x"])
        for i in range(5):
            lines.writerow([f"t{i}", (south + north) / 2, west + (east - west) * (i + 0.5) / 5])
    with (town.folder / "events.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["subscriber", "ts", "cell"])
        for path in sorted((town.folder / "pings").glob("*.parquet")):
            for row in pq.read_table(path).to_pylist():
                if row["lon"] is not None and row["ts"] is not None and west < row["lon"] < east:
                    tower = f"t{int((row['lon'] - west) / (east - west) * 5)}"
                    lines.writerow([row["subscriber"], row["ts"].isoformat(), tower])
    text = town.spec_file.read_text(encoding="utf-8")
    source = (
        '[[sources]]\nkind = "cdr"\npath = "events.csv"\nassign = "voronoi"\nevents_per_day = 40\n'
        'columns = { person = "subscriber", time = "ts", tower = "cell" }\n'
        'towers = { file = "towers.csv", id = "cell", lat = "y", lon = "x" }\n'
        'drop = [{ column = "subscriber", prefixes = ["s1"] }]\n'
    )
    tables = '[[tables]]\ntable = "transitions"\n[[tables]]\ntable = "presence"\n'
    head, end = text[: text.index("[[sources]]")], text[text.index("[release]") :]
    town.spec_file.write_text(head + source + tables + end, encoding="utf-8")
