"""The production road: records in files, an engine, bounded tables as the door would get them.

Specs, plans and jobs are the product's own; only the last step is held back: no noise is drawn and
no ledger is charged. All variants of all tables are counted in one run of the engine, so that many
neighbouring data sets can be tried.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from road_spec import ONE_DATE, VARIANTS, policy_text, spec_text, zone_features

from dp.audits.events import Event
from pipelines import load_spec, plan
from pipelines.engines.contract import Engine, Job
from pipelines.engines.duckdb.engine import DuckDBEngine
from pipelines.progress import Silent
from pipelines.release import totals as release_totals
from pipelines.release.model import Plan, PlannedMeasurement
from pipelines.release.totals import Totals, count
from pipelines.schemas.calendar import MobilityDay

SECRET = bytes(range(32))
ZONES = 9
CATEGORIES = ("shop", "school", "museum")
Vectors = dict[str, np.ndarray]


@dataclass
class _Counted:
    """Totals of one variant in the run that counts all of them."""

    variant: str
    of: Mapping[tuple[str, int], tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def vector(self, table: str, day: int, size: int) -> np.ndarray:
        found = np.zeros(size, dtype=np.int64)
        cells, totals = self.of.get((f"{self.variant}:{table}", day), ([], []))
        assert all(0 <= cell < size for cell in cells), "a cell outside the public key set"
        found[cells] = totals
        return found

    def close(self) -> None:
        pass


@dataclass
class _Asked:
    """Stands where the engine is and keeps the job that the product asks for."""

    counted: _Counted
    job: Job | None = None
    name: str = "asked"

    def run(self, job: Job, progress: Any) -> _Counted:
        self.job = job
        return self.counted


@dataclass(frozen=True)
class Road:
    """A folder with zones, specs and people; records come and go.

    Attributes:
        folder: Where everything lies.
        plans: By variant.
        united: Whether each person's two ids are united by the id map.
        engine: What counts.
        edit: Plants a bug in the job.
    """

    folder: Path
    plans: Mapping[str, Plan]
    united: bool
    engine: Engine = field(default_factory=DuckDBEngine)
    edit: Callable[[Job], Job] = lambda job: job

    @property
    def days(self) -> tuple[MobilityDay, ...]:
        return next(iter(self.plans.values())).world.calendar.dates

    @property
    def lengths(self) -> list[int]:
        return [day.length_s for day in self.days]

    @property
    def measurements(self) -> dict[str, PlannedMeasurement]:
        """Every measurement of every variant, by a name to read."""
        return {
            f"{variant}:{one.table}:{i}": one
            for variant, planned in self.plans.items()
            for i, one in enumerate(planned.measurements)
        }

    def dates_read(self, one: PlannedMeasurement) -> set[int]:
        first = self.days[0].date
        return {(date - first).days for date in one.charge.reads}

    def people(self, events: Sequence[Event]) -> None:
        """Write the undated files, which neighbours share."""
        names = sorted({event.person for event in events})
        ids = [[f"{name}#{k}", name] for name in names for k in (0, 1)]
        gone = [["gone#0", "gone"], ["gone#1", "gone"]]
        _write_csv(self.folder / "map.csv", None, [*ids, *gone])
        classes = [
            (i, ("young", "old", "?")[sum(map(ord, p)) % 3], "fx"[len(p) % 2]) for i, p in ids
        ]
        _write_csv(self.folder / "strata.csv", ["id", "age_band", "sex"], classes)
        _write_csv(self.folder / "out.csv", None, [["gone#1"]])

    def records(self, events: Sequence[Event]) -> None:
        """Write the dated records: two Parquet files and a CSV file of fixes, a file of visits."""
        opted_out = Event("gone", 0, 3600, 0)
        listed = [*self._identified(events), ("gone#0", opted_out)]
        fixes = [(i, e) for i, e in listed if not e.stated and e.until is None]
        for part in (0, 1):
            self._parquet(f"fixes/{part}.parquet", fixes[part::3])
        rows = [[i, self._second(e.date, e.at), *_where(e)] for i, e in fixes[2::3]]
        _write_csv(self.folder / "fixes.csv", ["who", "ts", "lat", "lon"], rows)
        self._parquet(
            "visits.parquet", [(i, e) for i, e in listed if e.stated or e.until is not None]
        )

    def count(self, events: Sequence[Event]) -> Vectors:
        """Write the records and return every bounded table, by measurement."""
        self.records(events)
        totals = self.counted()
        return {
            name: totals[name.split(":")[0]].bounded(one).totals
            for name, one in self.measurements.items()
        }

    def counted(self) -> dict[str, Totals]:
        """Count all variants in one run; give each variant's totals as the door would get them."""
        asked, totals = {}, {}
        for variant, planned in self.plans.items():
            asked[variant] = _Asked(_Counted(variant))
            with patch.object(release_totals, "engine_of", lambda _, one=asked[variant]: one):
                totals[variant] = count(
                    planned,
                    missing=planned.measurements,
                    secret=SECRET,
                    engine="asked",
                    progress=Silent(),
                )
        job = self.edit(_united({variant: one.job for variant, one in asked.items()}))
        done = self.engine.run(job, Silent())
        listed = _by_table(done)
        done.close()
        for one in asked.values():
            one.counted.of = listed
        return totals

    def _identified(self, events: Sequence[Event]) -> list[tuple[str, Event]]:
        if self.united:
            return [(f"{e.person}#{i % 2}", e) for i, e in enumerate(events)]
        return [(f"{e.person}#{k}", e) for e in events for k in (0, 1)]

    def _second(self, date: int, second: int) -> int:
        start = self.days[0].date + dt.timedelta(days=date)
        inside = 0 <= date < len(self.days)
        if inside:
            return self.days[date].start_s + second
        return int(dt.datetime.combine(start, dt.time(12), dt.UTC).timestamp()) + second // 4

    def _parquet(self, name: str, rows: Sequence[tuple[str, Event]]) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        where = [_where(e) for _, e in rows]
        ends = [None if e.until is None else self._second(e.date, e.until) * 10**6 for _, e in rows]
        moment = pa.timestamp("us", tz="UTC")
        columns = {
            "who": pa.array([i for i, _ in rows], pa.string()),
            "ts": pa.array([self._second(e.date, e.at) * 10**6 for _, e in rows], moment),
            "until": pa.array(ends, moment),
            "lat": pa.array([lat for lat, _ in where], pa.float64()),
            "lon": pa.array([lon for _, lon in where], pa.float64()),
            "what": pa.array([_category(e) for _, e in rows], pa.string()),
        }
        pq.write_table(pa.table(columns), path)


def make_road(  # noqa: PLR0913  each is one choice of a test
    folder: Path,
    variants: Sequence[str] = VARIANTS,
    *,
    start: dt.date = dt.date(2026, 10, 30),
    days: int = 3,
    ids: int = 1,
    tables: Sequence[str] = ONE_DATE,
    window: int | None = None,
) -> Road:
    """Make a folder with all that is public, and a plan of each variant.

    With one id a person has two devices that the id map unites; with two ids there is no map.
    The policy's window is as long as the release, if nothing else is said.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "zones.geojson").write_text(json.dumps(zone_features(ZONES)))
    (folder / "policy.toml").write_text(policy_text(ids=ids, window=window or days))
    found: dict[str, Plan] = {}
    for variant in variants:
        spec = folder / f"{variant}.toml"
        spec.write_text(spec_text(variant, tables, start=start, days=days, united=ids == 1))
        known = next((made.world.zones for made in found.values()), None)
        found[variant] = plan(load_spec(spec, check_data=False), zones=known)
    return Road(folder, found, ids == 1)


def _united(jobs: Mapping[str, Job | None]) -> Job:
    """Return one job that counts what all of them ask for."""
    listed = {variant: job for variant, job in jobs.items() if job is not None}
    first = next(iter(listed.values()))
    return replace(
        first,
        statements={
            f"{variant}:{name}": sql
            for variant, job in listed.items()
            for name, sql in job.statements.items()
        },
        needs=frozenset().union(*(job.needs for job in listed.values())),
        categories=max((job.categories for job in listed.values()), key=len),
        strata=next((job.strata for job in listed.values() if job.strata), None),
    )


def _by_table(done: Any) -> dict[tuple[str, int], tuple[np.ndarray, np.ndarray]]:
    """Read every table once: cells and totals by table and date."""
    found = {}
    for table in done.tables:
        dates, cells, totals = done.sparse(table)
        for d in np.unique(dates):
            own = dates == d
            found[table, int(d)] = cells[own], totals[own]
    return found


def _where(event: Event) -> tuple[float, float]:
    column = event.place if event.place >= 0 else -100
    return 37.5, (1_270_050_000 + column * 100_000 + event.spot * 113) / 1e7


def _category(event: Event) -> str | None:
    return CATEGORIES[event.label] if event.label >= 0 else None


def _write_csv(path: Path, header: list[str] | None, rows: Sequence[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if header:
            writer.writerow(header)
        writer.writerows(rows)
