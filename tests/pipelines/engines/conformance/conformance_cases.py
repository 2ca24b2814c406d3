"""Bad shapes as files that an engine reads, with what the slow Python reference says of them."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from reference import Record
from shapely.geometry import box, mapping
from shapes import SHAPES
from table_reference import contributed, params_of

from dp.bounding import Sampling
from pipelines.engines.contract import Job, Resources
from pipelines.ingest.places import zone_places
from pipelines.ingest.source import Source
from pipelines.schemas.calendar import Calendar
from pipelines.schemas.traces import TraceParams
from pipelines.schemas.world import World
from pipelines.tables import TABLES, sensitive
from pipelines.zones.polygons import load_zones

SECRET = bytes(range(32))
ZONES = 5
Vectors = dict[tuple[str, int], np.ndarray]
_VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *[(name, {}) for name in TABLES],
    ("visits", {"cap": 2}),
    ("visits", {"cap": 2, "noise": "laplace"}),
    ("visits", {"cap": 2, "bounding": "sampling"}),
    ("od_flows", {"cap": 3}),
    ("od_flows", {"cap": 3, "noise": "laplace"}),
    ("od_flows", {"cap": 1, "bounding": "sampling"}),
]
VARIANTS = {"-".join([name, *map(str, more.values())]): (name, more) for name, more in _VARIANTS}
"""Every table, and the capped ones by weighting for both norms and by sampling."""


def square_zones(folder: Path) -> Any:
    """The reference's row of squares as a polygon file, with ids that need quoting."""
    features = [
        {
            "type": "Feature",
            "properties": {"zone": f"z{i:02d}'é"},
            "geometry": mapping(box(127 + i / 100, 37.495, 127 + (i + 1) / 100, 37.505)),
        }
        for i in range(ZONES)
    ]
    file = folder / "zones.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return load_zones(file, id="zone")


def world(folder: Path, start: dt.date, *, days: int, time_zone: str = "America/New_York") -> World:
    calendar = Calendar(time_zone=time_zone, day_starts=dt.time(4), start=start, days=days)
    return World(calendar=calendar, zones=square_zones(folder))


def crowd(days: Any, names: Iterable[str]) -> list[Record]:
    """The people of several shapes, each with an id of their own that needs quoting."""
    return [
        replace(record, person=f"{name}|{record.person}'\"é")
        for name in names
        for record in SHAPES[name](days, ZONES)
    ]


def placed(place: World, found: list[Record]) -> list[Record]:
    """Records as visits by zone id: declared, at the zone's own point."""
    points = zone_places(place.zones).to_pylist()
    return [
        replace(r, declared=True, lat_e7=points[r.zone]["lat_e7"], lon_e7=points[r.zone]["lon_e7"])
        for r in found
    ]


def expected(place: World, found: Iterable[Record]) -> Vectors:
    """Bounded vectors by the slow reference: one person's date at a time."""
    held, vectors = list(found), Vectors()
    for label, (name, more) in VARIANTS.items():
        table = TABLES[name]
        params = params_of(name, **more)
        people = contributed(place, held, params)
        for day in place.calendar.dates:
            keys, rule = table.keys(place, params, day), table.rule(place, params, day, SECRET)
            cells = {label: i for i, label in enumerate(_labels(keys))}
            total = np.zeros(keys.size, dtype=np.int64)
            for person, vector in people[day.index]:
                adds = {cells[label]: v for label, v in vector.items()}
                who = {"table": name, "person": person, "d": day.index}
                for cell, w in _bounded(rule, adds, **who).items():
                    total[cell] += w
            vectors[label, day.index] = total
    return vectors


def _labels(keys: Any) -> list[tuple[Any, ...]]:
    codes = [keys.codes(name) for name in keys.names]
    columns = [[key.values[c] for c in code] for key, code in zip(keys.keys, codes, strict=True)]
    return list(zip(*columns, strict=True))


def _bounded(rule: Any, adds: dict[int, int], **who: Any) -> dict[int, int]:
    return rule.reference(adds, **who) if isinstance(rule, Sampling) else rule.reference(adds)


def tables_job(
    place: World,
    work: Path,
    *sources: Source,
    only: Iterable[str] = tuple(VARIANTS),
    **changes: Any,
) -> Job:
    """A job of all variants, or of some."""
    day = place.calendar.dates[0]
    statements, needs = {}, frozenset[str]()
    for label in only:
        name, more = VARIANTS[label]
        table = TABLES[name]
        params = params_of(name, **more)
        rule = table.rule(place, params, day, SECRET)
        statements[label] = rule.sql(sensitive(table, place, params))
        needs |= table.needs
    return job(place, work, *sources, statements=statements, needs=needs, **changes)


def job(place: World, work: Path, *sources: Source, **changes: Any) -> Job:
    plain: dict[str, Any] = {
        "sources": sources,
        "world": place,
        "traces": TraceParams(),
        "id_map": None,
        "exclusions": None,
        "work": work,
        "resources": Resources(memory_mb=1024, threads=2),
    }
    return Job(**plain | changes)


def vectors(engine: Any, todo: Job, place: World) -> tuple[Vectors, dict[str, Any]]:
    """Run a job of variants; return its vectors and the private diagnostics."""
    from pipelines.progress import Silent

    totals = engine.run(todo, Silent())
    found: Vectors = {}
    for label in todo.statements:
        name, more = VARIANTS[label]
        table = TABLES[name]
        params = table.params(table=name, **more)
        for day in place.calendar.dates:
            size = table.keys(place, params, day).size
            found[label, day.index] = totals.vector(label, day.index, size)
            _assert_listed(totals, label, day.index, found[label, day.index])
    totals.close()
    diagnostics = json.loads((todo.work / "diagnostics.json").read_text(encoding="utf-8"))
    assert [p.name for p in todo.work.iterdir()] == ["diagnostics.json"]
    return found, diagnostics


def _assert_listed(totals: Any, label: str, day: int, vector: np.ndarray) -> None:
    """The sparse reading, where keys are too many for a vector, says the same."""
    cells, held = totals.listed(label, day, len(vector))
    assert (cells.dtype, held.dtype) == (np.int64, np.int64)
    assert cells.tolist() == np.flatnonzero(vector).tolist()
    assert held.tolist() == vector[vector != 0].tolist()


def assert_same(found: Vectors, wanted: Vectors) -> None:
    assert found.keys() == wanted.keys()
    wrong = [key for key in wanted if found[key].tobytes() != wanted[key].tobytes()]
    assert not wrong


def ids_of(found: list[Record]) -> list[str]:
    """Raw ids: every other record of a person comes from a second device."""
    return [f"{r.person}#2" if i % 2 else r.person for i, r in enumerate(found)]


def instants(place: World, found: list[Record], *, end: bool = False) -> list[int]:
    starts = [day.start_s for day in place.calendar.dates]
    return [starts[r.d] + (r.t2 if end else r.t) for r in found]


def write_parquet(path: Path, place: World, found: list[Record], ids: list[Any] | None) -> None:
    times = pa.array([s * 1_000_000 for s in instants(place, found)])
    table = {
        "who": [r.person for r in found] if ids is None else ids,
        "ts": times.cast(pa.timestamp("us", tz="UTC")),
        "lat": [r.lat_e7 / 1e7 for r in found],
        "lon": [r.lon_e7 / 1e7 for r in found],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path)


def write_csv(
    path: Path, place: World, found: list[Record], ids: list[str], *, epoch: bool
) -> None:
    lines = ["lon;who;lat;ts"]
    for record, who, second in zip(found, ids, instants(place, found), strict=True):
        moment = dt.datetime.fromtimestamp(second, place.calendar.zone)
        quoted = who.replace('"', '""')
        time = str(second) if epoch else moment.isoformat()
        lines.append(f'{record.lon_e7 / 1e7!r};"{quoted}";{record.lat_e7 / 1e7!r};{time}')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_map(path: Path, found: list[Record]) -> Path:
    persons = sorted({r.person for r in found})
    quoted = [person.replace('"', '""') for person in persons]
    path.write_text("".join(f'"{p}#2","{p}"\n' for p in quoted), encoding="utf-8")
    return path


def cell_counts(totals: Any, table: str, days: int, size: int) -> list[Counter[int]]:
    return [
        Counter({i: int(v) for i, v in enumerate(totals.vector(table, d, size)) if v})
        for d in range(days)
    ]
