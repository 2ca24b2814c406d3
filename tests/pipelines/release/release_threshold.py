"""A town whose flows are published from a threshold on, and many people on one way through it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from release_town import START, Town

FLOWS = 'table = "od_flows"\nshare = 7'
SAMPLED = FLOWS + '\nkeys = "threshold"\nbounding = "sampling"'
DELTA = "1/100000"
"""Of the policy, over 30 dates; the town declares few people."""


def thresholded(town: Town, *, delta: str | None = DELTA) -> None:
    """Ask for flows from a threshold on, and allow a delta; the ledger exists already."""
    town.edit(FLOWS, SAMPLED)
    if delta is not None:
        town.edit_policy('cap_rho = "1/2"', f'cap_rho = "1/2"\ncap_delta = "{delta}"')
        town.create_ledger()


def commuters(town: Town, *, people: int, origin: tuple[float, float], shift: float) -> None:
    """Put people in place of the town's: from one place to another at noon of the first date."""
    for path in (town.folder / "pings").glob("*.parquet"):
        path.unlink()
    checkins = town.folder / "checkins.csv"
    checkins.write_text(checkins.read_text(encoding="utf-8").splitlines()[0] + "\n")
    minutes = np.tile(np.arange(240, 1200, 30), people)
    start = dt.datetime.combine(START, dt.time(), dt.timezone(dt.timedelta(hours=9)))
    base = int(start.timestamp())
    away = np.where(minutes >= 720, shift, 0.0)
    table = {
        "subscriber": np.repeat([f"walker {i}" for i in range(people)], minutes.size // people),
        "ts": pa.array((base + minutes * 60) * 1_000_000).cast(pa.timestamp("us", tz="UTC")),
        "lat": origin[0] + away,
        "lon": np.full(minutes.size, origin[1]),
    }
    pq.write_table(pa.table(table), town.folder / "pings" / f"{START}.parquet")


def grid_of(town: Town, *, cell_m: int) -> Path:
    """Put a fine grid in the place of the zones, with the zones as its public boundary."""
    town.edit(
        'file = "zones.geojson"\nid = "code"\nname = "name"\nparent = "district"\n'
        'population = "population"\n',
        f'grid = {{ cell_m = {cell_m}, boundary = "zones.geojson" }}\n',
    )
    return town.folder / "zones.geojson"


def only_flows(town: Town) -> None:
    """Leave the other tables out, and the second date: noise for every zone takes its time."""
    head, *tables = town.spec_file.read_text(encoding="utf-8").split("[[tables]]\n")
    flows = next(one for one in tables if one.startswith('table = "od_flows"'))
    town.spec_file.write_text(f"{head}[[tables]]\n{flows}", encoding="utf-8")
    town.edit("days = 2 }", "days = 1 }")
