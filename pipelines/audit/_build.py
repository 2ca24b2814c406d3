"""Builds the stage: a spec's own zones, tables and budget, with simulated people in the records."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.audit._chance import generator
from pipelines.audit._layout import Layout
from pipelines.audit._people import Crowd, plain_settings
from pipelines.audit._shapes import SHAPES, fixes
from pipelines.audit._stage import Stage
from pipelines.audit._vectors import Persons, vectors_of
from pipelines.errors import SpecError
from pipelines.ingest.source import Source
from pipelines.progress import Progress
from pipelines.release.books import Books, books_of
from pipelines.release.folder import private_folder
from pipelines.release.plan import plan_with
from pipelines.release.totals import count
from pipelines.release.world import zones_of
from pipelines.spec.records import SourceSection
from pipelines.spec.sections import PeopleSection
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dp.ledger import Policy
    from pipelines.release.model import Plan
    from pipelines.schemas.measured import TableParams
    from pipelines.spec import ReleaseSpec

MOST_DATES = 30
MOST_CELLS = 20_000_000
"""Cells of all dates together: what is held in memory. A larger spec is audited on fewer dates."""
_SECRET = 1
_HOUR_S = 3600


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large an audit is.

    Attributes:
        people: Simulated people.
        apart: How many of them are also taken through the engine one by one.
        dates: Dates, at most; None for the policy's window, at most ``MOST_DATES``.
        runs: Repetitions of the matched filter; the other attacks scale with it.
        seed: Fixes the simulation, never the noise.
    """

    people: int = 5_000
    apart: int = 1_200
    dates: int | None = None
    runs: int = 100_000
    seed: int = 1


def simulated_stage(spec: ReleaseSpec, *, work: Path, size: Size, progress: Progress) -> Stage:
    """Return a stage of simulated people in the zones of a spec, with its tables and its budget.

    Sources, id map, exclusions, strata, outages, derived tables and estimates of the spec are left
    out, and so are the tables that ``audited`` leaves out. Only adversarial persons carry as many
    identifiers as the policy attests; everybody else has one.
    Dates have 24 hours: the policy's time zone is replaced by its offset on the first date.
    Nothing is charged to the spec's ledger, which is only read for its policy.

    Raises:
        SpecError, ZoneError, LedgerFault: as planning raises them.
    """
    folder = private_folder(work)
    plan = simulated_plan(spec, work=folder, dates=size.dates)
    crowd = Crowd(
        zones=plan.world.zones,
        calendar=plan.world.calendar,
        count=size.people,
        seed=size.seed,
        settings=plain_settings(len(plan.world.zones)),
    )
    secret = generator(size.seed, _SECRET).bytes(32)
    write_pings(crowd, folder / "pings", progress=progress)
    totals = count(
        plan,
        missing=plan.measurements,
        secret=secret,
        engine=spec.engine_name,
        progress=progress,
    )
    try:
        total = np.concatenate([totals.bounded(one).totals for one in plan.measurements])
    finally:
        totals.close()
    layout = Layout(
        measurements=plan.measurements,
        mechanisms=tuple(one.noise for one in plan.measurements),
    )
    persons = Persons(plan=plan, layout=layout, secret=secret, work=folder)
    apart = min(size.apart, size.people)
    alone = vectors_of(persons, records=_apart(crowd, folder / "pings", apart), count=apart)
    ids = plan.policy.unit.multiplicity
    shapes = vectors_of(persons, records=shaped(plan, ids), count=len(SHAPES))
    raw = vectors_of(persons, records=shaped(plan, ids), count=len(SHAPES), bounded=False)
    return Stage(
        plan=plan,
        layout=layout,
        left_out=tuple(one.table for one in spec.tables if one.table not in plan.tables),
        total=total,
        vectors=alone,
        shapes=shapes,
        shape_names=tuple(SHAPES),
        raw_shapes=raw,
        crowd=crowd,
        size=size.people,
        runs=size.runs,
        seed=size.seed,
        work=folder,
    )


def simulated_plan(spec: ReleaseSpec, *, work: Path, dates: int | None) -> Plan:
    """Return the plan of a release of simulated people: tables, caps and budget are the spec's."""
    policy = books_of(spec).policy
    window = policy.unit.window_days
    days = min(dates or window or MOST_DATES, window or MOST_DATES, MOST_DATES)
    level = dataclasses.replace(policy, time_zone=fixed_offset(policy, spec.dates.start))
    changed = dataclasses.replace(
        spec,
        dates=spec.dates.model_copy(update={"days": days}),
        series=spec.series.model_copy(update={"time_zone": None}),
        sources=(ping_source(work / "pings" / "*.parquet"),),
        declared=(_declared(work),),
        people=PeopleSection.model_validate({}),
        tables=tuple(one.model_copy(update={"strata": ()}) for one in audited(spec)),
        derived=(),
        estimates=None,
        weight_rows=(),
        outages=None,
        history=type(spec.history)(),
        release=spec.release.model_copy(
            update={"work": work, "folder": work / "releases", "report": False, "derived": False}
        ),
    )
    made = plan_with(changed, books=Books(policy=level), zones=zones_of(spec))
    cells = sum(one.keys.size for one in made.measurements)
    if cells > MOST_CELLS and days > 1:
        return simulated_plan(spec, work=work, dates=max(1, MOST_CELLS * days // cells))
    return made


def audited(spec: ReleaseSpec, *, spans: bool = False) -> tuple[TableParams, ...]:
    """Return the table entries of a spec that can be audited.

    Tables of which only cells that reach a threshold are published are left out, and, unless
    ``spans``, tables of which one measurement reads several dates.

    Raises:
        SpecError: none is left.
    """
    kept = tuple(
        one
        for one in spec.tables
        if not one.thresholded and (spans or TABLES[one.table].reads == "date")
    )
    if not kept:
        raise SpecError(
            f"{spec.path}: there is no audit for any of its tables. Add a table that reads one date"
            " and of which every key is published, such as presence."
        )
    return kept


def fixed_offset(policy: Policy, date: dt.date) -> str:
    """Return a time zone without clock changes: the policy's offset on a date, in whole hours."""
    noon = dt.datetime.combine(date, dt.time(12), tzinfo=ZoneInfo(policy.time_zone))
    offset = noon.utcoffset() or dt.timedelta(0)
    hours = round(offset.total_seconds() / _HOUR_S)
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"


def write_pings(crowd: Crowd, folder: Path, *, progress: Progress) -> None:
    """Write the crowd's fixes, one private file a date."""
    private_folder(folder)
    dates = crowd.calendar.dates
    for day in dates:
        _write(crowd.pings(day), folder / f"{day.date}.parquet")
        progress.at("Simulating people", (day.index + 1) / len(dates))


def _write(table: pa.Table, path: Path) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    pq.write_table(table, path, compression="zstd")


def _apart(crowd: Crowd, folder: Path, count: int) -> Iterator[pa.Table]:
    """Yield each date's fixes of the first people, with their places in a column ``number``."""
    number = {name: i for i, name in enumerate(crowd.ids[:count].tolist())}
    for day in crowd.calendar.dates:
        table = pq.read_table(folder / f"{day.date}.parquet")
        names = table["subscriber"].to_pylist()
        persons = np.array([number.get(name, -1) for name in names], dtype=np.int64)
        whole = table.append_column("number", pa.array(persons))
        yield whole.filter(pa.array(persons >= 0))


def shaped(plan: Plan, ids: int) -> Iterator[pa.Table]:
    """Yield each date's fixes of the adversarial persons, numbered in the order of ``SHAPES``."""
    for day in plan.world.calendar.dates:
        for number, shape in enumerate(SHAPES):
            names = [f"shape-{number}-{k}" for k in range(ids)]
            table = fixes(names, shape, zones=plan.world.zones, day=day)
            numbers = pa.array(np.full(len(table), number, dtype=np.int64))
            yield table.append_column("number", numbers)


def ping_source(path: Path, *, label: str = "sources[0]") -> Source:
    """Return a source of fixes as the audits write them."""
    return Source(
        label=label,
        kind="pings",
        path=path,
        person="subscriber",
        time="ts",
        lat="lat",
        lon="lon",
    )


def _declared(work: Path) -> SourceSection:
    columns = {"person": "subscriber", "time": "ts", "lat": "lat", "lon": "lon"}
    return SourceSection.model_validate(
        {"kind": "pings", "path": str(work / "pings" / "*.parquet"), "columns": columns},
        context={"base": work, "check_data": False},
    )
