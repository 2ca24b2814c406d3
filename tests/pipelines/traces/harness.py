"""A small bench: records in, relations and totals out, by the statements under test."""

from __future__ import annotations

import atexit
import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import duckdb
import geopandas as gpd
import numpy as np
import pyarrow as pa
from reference import Record
from shapely.geometry import box

from dp.keys import KeySet
from pipelines.schemas.calendar import Calendar, MobilityDay
from pipelines.schemas.measured import Measured, TableParams
from pipelines.schemas.strata import Stratum
from pipelines.schemas.traces import TraceParams
from pipelines.schemas.world import World
from pipelines.schemas.zones import ZoneSet
from pipelines.tables import TABLES, sensitive
from pipelines.traces import trace_statements

SECRET = bytes(range(32))
STRATA = (
    Stratum(name="age_band", values=("young", "old")),
    Stratum(name="sex", values=("f",)),
)
_DATABASE = [duckdb.connect(config={"threads": 1})]
atexit.register(_DATABASE.clear)  # else the interpreter ends with complaints about leaks
NEEDS = frozenset().union(*(table.needs for table in TABLES.values()))


def calendar(
    start: dt.date = dt.date(2026, 3, 2), days: int = 3, *, time_zone: str = "America/New_York"
) -> Calendar:
    return Calendar(time_zone=time_zone, day_starts=dt.time(4), start=start, days=days)


def zone_set(count: int, *, lat: float = 37.5, districts: int = 0) -> ZoneSet:
    """Square zones of about 1.1 km in one row from west to east, in districts that lie mixed."""
    ids = tuple(f"z{i:02d}" for i in range(count))
    shapes = [
        box(127 + i / 100, lat - 0.005, 127 + (i + 1) / 100, lat + 0.005) for i in range(count)
    ]
    none = ("",) * count
    parents = tuple(f"p{i % districts}" for i in range(count)) if districts else none
    frame = gpd.GeoDataFrame(
        {"zone": ids, "name": none, "parent": parents, "population": [None] * count},
        geometry=shapes,
        crs=4326,
    )
    return ZoneSet(
        ids=ids,
        names=none,
        parents=parents,
        population=(None,) * count,
        frame=frame,
        lookup=None,  # type: ignore[arg-type]
        origin="a row of squares",
    )


def spot(zone: int, east_m: int = 0) -> dict[str, int]:
    """Coordinates of a point in a zone of ``zone_set``; outside lies far to the west."""
    column = zone if zone >= 0 else -100
    return {
        "lat_e7": 375_000_000,
        "lon_e7": 1_270_050_000 + column * 100_000 + east_m * 113,
    }


def fill(
    con: duckdb.DuckDBPyConnection, records: Iterable[Record], cal: Calendar, *, declared: bool
) -> None:
    """Register ``points`` and ``days`` as an engine does."""
    names = ["d", "person", "t", "zone", "lat_e7", "lon_e7", "category", "stratum"]
    names += ["t2", "declared"] if declared else []
    rows = list(records)
    kinds = {"person": pa.string(), "declared": pa.bool_()}
    columns = {n: pa.array([getattr(r, n) for r in rows], kinds.get(n, pa.int32())) for n in names}
    con.register("points", pa.table(columns))
    days = [(day.index, day.length_s, day.overnight_s) for day in cal.dates]
    d, length, night = (pa.array(column, pa.int32()) for column in zip(*days, strict=True))
    con.register("days", pa.table({"d": d, "length_s": length, "overnight_s": night}))


class Bench:
    """Runs all statements over one set of records; every relation can be looked at."""

    def __init__(
        self,
        records: Iterable[Record],
        world: World,
        params: TraceParams | None = None,
        *,
        declared: bool = True,
        edit: Callable[[str, str], str] = lambda _, sql: sql,
    ) -> None:
        """Make all relations; ``edit(name, sql)`` may plant a bug in a statement."""
        self.world = world
        self.con = _DATABASE[0].cursor()  # its temporary tables are its own
        fill(self.con, records, world.calendar, declared=declared)
        statements = trace_statements(
            world, params or TraceParams(), needs=NEEDS | {"strata"}, declared=declared
        )
        for name, sql in statements:
            self.con.execute(f"CREATE TEMP TABLE {name} AS {edit(name, sql)}")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return sorted(self.con.execute(sql).fetchall())

    def relation(self, name: str) -> dict[tuple[str, int], list[tuple[Any, ...]]]:
        """Rows of a relation by person and date, in the order of their columns."""
        columns = [c[0] for c in self.con.execute(f"DESCRIBE {name}").fetchall()]
        at = [columns.index("person"), columns.index("d")]
        found: dict[tuple[str, int], list[tuple[Any, ...]]] = defaultdict(list)
        for row in self.rows(f"SELECT * FROM {name}"):
            rest = tuple(v for i, v in enumerate(row) if i not in at)
            found[row[at[0]], row[at[1]]].append(rest)
        return found

    def totals(self, measured: Measured, params: TableParams) -> dict[int, dict[int, int]]:
        """Bounded totals: date -> cell -> total."""
        rule = measured.rule(self.world, params, self.world.calendar.dates[0], SECRET)
        return self.summed(rule.sql(sensitive(measured, self.world, params)))

    def summed(self, sql: str) -> dict[int, dict[int, int]]:
        found: dict[int, dict[int, int]] = defaultdict(dict)
        for d, cell, total, *stretch in self.con.execute(sql).fetchall():
            if not stretch:
                assert cell not in found[d], "one row per date and cell"
            times, step = stretch or (1, 0)
            for at in range(cell, cell + times * step, step) if stretch else (cell,):
                found[d][at] = found[d].get(at, 0) + total
        return found


def dense(totals: dict[int, int], keys: KeySet) -> np.ndarray:
    """Totals as a vector over the key set; a cell outside it is an error."""
    vector = np.zeros(keys.size, dtype=np.int64)
    for cell, total in totals.items():
        vector[cell] = total
    assert all(0 <= cell < keys.size for cell in totals)
    return vector


def labelled(totals: dict[int, int], keys: KeySet) -> dict[tuple[str | int, ...], int]:
    """Totals by the published labels of their cells, decoded by the key set's own order."""
    codes = {name: keys.codes(name) for name in keys.names}
    return {
        tuple(key.values[codes[key.name][cell]] for key in keys.keys): total
        for cell, total in totals.items()
        if total
    }


def by_person_date(records: Iterable[Record]) -> dict[tuple[str, int], list[Record]]:
    found: dict[tuple[str, int], list[Record]] = defaultdict(list)
    for record in records:
        found[record.person, record.d].append(record)
    return found


def make_world(zones: int = 6, cal: Calendar | None = None, *, districts: int = 0) -> World:
    placed = zone_set(zones, districts=districts)
    return World(calendar=cal or calendar(), zones=placed, strata=STRATA)


def day_of(world: World, d: int) -> MobilityDay:
    return world.calendar.dates[d]
