"""Jobs over the custodian's own records: as they are, with a person more, with a person less."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from pipelines.audit._build import ping_source
from pipelines.audit._chance import Generator, picked
from pipelines.audit._layout import Layout
from pipelines.audit._shapes import SHAPES, fixes
from pipelines.audit._vectors import unbounded
from pipelines.ingest.check import CheckedSource, check_source, open_table
from pipelines.progress import Silent
from pipelines.release.folder import private_folder
from pipelines.release.totals import engine_of, job_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.engines.contract import BoundedTotals, Job
    from pipelines.ingest.source import Source
    from pipelines.progress import Progress
    from pipelines.release.model import Plan, PlannedMeasurement

    Ints = NDArray[np.int64]

_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,80}")


def _vector(counted: BoundedTotals, one: PlannedMeasurement) -> Ints:
    """Return the totals of one measurement; a level above adds up its cells."""
    if one.lift is None:
        return counted.vector(one.table, one.day.index, one.keys.size)
    return one.lift.added(counted.vector(one.table, one.day.index, one.lift.keys.size))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class OwnJobs:
    """What is asked of the engine for one audit of a spec's records.

    Attributes:
        plan: The plan.
        layout: Its columns.
        secret: For sampling; not the ledger's.
        work: Private folder for files that are made for the audit.
    """

    plan: Plan
    layout: Layout
    secret: bytes
    work: Path

    def total(
        self, progress: Progress, *, added: str | None = None, left_out: str | None = None
    ) -> Ints:
        """Return the totals of the records, shape (columns,).

        Args:
            progress: Hears how far the engine is.
            added: An adversarial person whose records are read too, as a source of their own.
            left_out: An id whose person is left out, as an exclusion leaves a person out.
        """
        job = self._job()
        if added is not None:
            job = dataclasses.replace(job, sources=(*job.sources, self._shape(added, job)))
        if left_out is not None:
            listed = self._exclusions(job.exclusions, left_out)
            job = dataclasses.replace(job, exclusions=listed)
        return self._counted(job, progress)

    def alone(self, shape: str, *, bounded: bool = True) -> Ints:
        """Return what an adversarial person adds with nobody else in the records."""
        job = self._job()
        only = dataclasses.replace(
            job,
            sources=(dataclasses.replace(self._shape(shape, job), label="sources[0]"),),
            world=dataclasses.replace(self.plan.world, towers=()),
            statements=job.statements if bounded else unbounded(self.plan),
            id_map=None,
            exclusions=None,
        )
        found = self._counted(only, Silent())
        return found if bounded else found * self.layout.factor

    def persons(self, chance: Generator, count: int) -> list[str]:
        """Return some ids of the first source's first file, at random: fewer where it has fewer.

        Ids that a line of a CSV file could not hold as they are, are not chosen.
        """
        checked = check_source(self.plan.spec.sources[0], 0)
        names = {str(name) for name in _first_ids(checked) if name is not None}
        plain = sorted(name for name in names if _PLAIN.fullmatch(name))
        return [plain[i] for i in picked(chance, len(plain), min(count, len(plain))).tolist()]

    def _job(self) -> Job:
        job = job_of(self.plan, world=self.plan.world, tables=self.plan.tables, secret=self.secret)
        return dataclasses.replace(job, work=private_folder(self.work))

    def _counted(self, job: Job, progress: Progress) -> Ints:
        counted = engine_of(self.plan.spec.engine_name).run(job, progress)
        try:
            return np.concatenate([_vector(counted, one) for one in self.plan.measurements])
        finally:
            counted.close()

    def _shape(self, shape: str, job: Job) -> Source:
        folder = private_folder(self.work / f"shape-{list(SHAPES).index(shape)}")
        ids = [f"shape-{k}" for k in range(self.plan.policy.unit.multiplicity)]
        for day in self.plan.world.calendar.dates:
            table = fixes(ids, shape, zones=self.plan.world.zones, day=day)
            _write(table, folder / f"{day.date}.parquet")
        return ping_source(folder / "*.parquet", label=f"sources[{len(job.sources)}]")

    def _exclusions(self, listed: Path | None, name: str) -> Path:
        """Return a private list of exclusions with one name more."""
        names: list[str] = []
        if listed is not None:
            table = open_table(listed, label="people.exclusions", wanted=())
            for path in table.files.paths:
                names += _first_column(path, delimiter=table.layout.delimiter)
        path = private_folder(self.work) / "exclusions.csv"
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text("\n".join(["person", *names, name, ""]), encoding="utf-8")
        return path


def _first_ids(checked: CheckedSource) -> list[object]:
    """Return the distinct ids of the first file of a source."""
    path, column = checked.table.files.paths[0], checked.source.person
    if checked.table.files.format == "parquet":
        table = pq.read_table(path, columns=[column])
    else:
        options = pa.csv.ConvertOptions(
            include_columns=[column], column_types={column: pa.string()}
        )
        parse = pa.csv.ParseOptions(
            delimiter=checked.table.layout.delimiter, invalid_row_handler=lambda _row: "skip"
        )
        table = pa.csv.read_csv(path, parse_options=parse, convert_options=options)
    found: list[object] = table[column].unique().to_pylist()
    return found


def _first_column(path: Path, *, delimiter: str) -> list[str]:
    """Return the texts of a file's first column; the first line of a CSV file counts too."""
    if path.suffix in {".parquet", ".pq"}:
        return [str(value) for value in pq.read_table(path).column(0).to_pylist()]
    read = pa.csv.ReadOptions(autogenerate_column_names=True)
    parse = pa.csv.ParseOptions(delimiter=delimiter)
    convert = pa.csv.ConvertOptions(column_types={"f0": pa.string()})
    table = pa.csv.read_csv(path, read_options=read, parse_options=parse, convert_options=convert)
    return [str(value) for value in table.column(0).to_pylist()]


def _write(table: pa.Table, path: Path) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    pq.write_table(table, path)
