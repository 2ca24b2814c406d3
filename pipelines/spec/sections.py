"""The sections of a release spec as frozen models; each field's docstring is the editor's help."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pipelines.schemas.traces import TraceParams
from pipelines.spec.estimates import EstimatesSection, LayersSection
from pipelines.spec.fields import (
    Clock,
    Day,
    Exact,
    Line,
    Master,
    NewPath,
    PrivateFile,
    PublicFile,
    TimeZone,
    said,
)
from pipelines.spec.history import HistorySection
from pipelines.spec.records import SourceSection
from pipelines.spec.section import Section
from pipelines.spec.strata import StrataSection


class DatesSection(Section):
    """The dates of a release; each starts at the policy's ``day_starts``."""

    start: Annotated[Day, Field(examples=["2026-03-02"])]
    """The first date, written without quotes."""
    days: Annotated[int, Field(ge=1, le=3660, examples=[7])]
    """How many dates."""


class SeriesSection(Section):
    """The ledger, and policy fields restated so that a reader of the spec sees them."""

    ledger: Annotated[NewPath, Field(examples=["series.ledger"])]
    """The ledger that pays for this release; `murmuration ledger create` makes one."""
    policy: PublicFile | None = None
    """A policy file, for planning before the ledger exists."""
    rho_per_date: Annotated[Exact, Field(gt=0, examples=["1/60"])] | None = None
    """What one date may be charged; the cap divided by the window when left out."""
    cap_rho: Annotated[Exact, Field(gt=0, examples=["1/2"])] | None = None
    """Restated policy: must agree with the ledger."""
    cap_delta: Annotated[Exact, Field(ge=0, lt=1, examples=["1e-9"])] | None = None
    """Restated policy: must agree with the ledger."""
    window_days: Annotated[int, Field(ge=1, examples=[30])] | Literal["series"] | None = None
    """Restated policy: must agree with the ledger."""
    ids_per_person_per_date: Annotated[int, Field(ge=1, examples=[1])] | None = None
    """Restated policy: must agree with the ledger."""
    time_zone: Annotated[TimeZone, Field(examples=["Asia/Seoul"])] | None = None
    """Restated policy: must agree with the ledger."""
    day_starts: Annotated[Clock, Field(examples=["04:00"])] | None = None
    """Restated policy: must agree with the ledger."""
    population: Annotated[int, Field(ge=2, examples=[800000])] | None = None
    """Restated policy: must agree with the ledger."""


class GridSection(Section):
    """Square cells of equal area inside a public boundary."""

    cell_m: Annotated[int, Field(ge=10, le=100_000, examples=[500])]
    """Side of a cell in metres."""
    boundary: Annotated[PublicFile, Field(examples=["city.geojson"])]
    """A public polygon file; cells are never found from the data."""


class H3Section(Section):
    """Hexagons inside a public boundary."""

    resolution: Annotated[int, Field(ge=0, le=15, examples=[8])]
    """H3 resolution."""
    boundary: Annotated[PublicFile, Field(examples=["city.geojson"])]
    """A public polygon file; cells are never found from the data."""


class ZonesSection(Section):
    """The public zones: one of ``file``, ``grid`` or ``h3``."""

    file: Annotated[PublicFile, Field(examples=["zones.geojson"])] | None = None
    """Polygons: GeoJSON, GeoPackage, Shapefile or GeoParquet."""
    id: Annotated[Line, Field(examples=["code"])] | None = None
    """The file's column with zone ids."""
    name: Annotated[Line, Field(examples=["name"])] | None = None
    """The file's column with display names."""
    parent: Annotated[Line, Field(examples=["district"])] | None = None
    """The file's column with the id of the next coarser zone."""
    population: Annotated[Line, Field(examples=["population"])] | None = None
    """The file's column with resident population."""
    grid: GridSection | None = None
    """Square cells instead of a file."""
    h3: H3Section | None = None
    """Hexagons instead of a file."""
    sensitive: Annotated[PublicFile, Field(examples=["sensitive.csv"])] | None = None
    """A public list of zones to merge into a neighbour before counting."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in ("file", "grid", "h3") if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(
                "exactly one of file, grid and h3 says what the zones are, "
                f"got {' and '.join(given) or 'none'}. "
                'Write file = "zones.geojson" and id = "code".'
            )
        columns = [c for c in ("id", "name", "parent", "population") if getattr(self, c)]
        if self.file is not None and self.id is None:
            raise ValueError('id is missing. Write the column of zone ids: id = "code".')
        if self.file is None and columns:
            raise ValueError(
                f"{columns[0]} names a column of a zone file, but the zones are {given[0]} cells. "
                f"Remove {columns[0]}."
            )
        return self


class OutagesSection(Section):
    """Known gaps in the records, from operating logs: never found from the records themselves."""

    file: Annotated[PublicFile, Field(examples=["outages.csv"])]
    """A public CSV file with the columns zone,from,to; * is every zone, times are local."""


class PeopleSection(Section):
    """Undated files about persons; both are private."""

    id_map: Annotated[PrivateFile, Field(examples=["map.csv"])] | None = None
    """Two columns, raw id and person: devices of one person are united."""
    exclusions: Annotated[PrivateFile, Field(examples=["optout.csv"])] | None = None
    """One column of ids: these persons are dropped whole."""
    strata: StrataSection | None = None
    """A file of classes of persons, such as age bands, that tables may be split by."""


class ReleaseSection(Section):
    """Where results go and how they are marked."""

    folder: NewPath = Field(default="releases", validate_default=True)
    """Release folders appear in it; meant for publication."""
    work: NewPath = Field(default="work", validate_default=True)
    """Private folder for temporary files and diagnostics; never publish it."""
    max_relative_sd: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 0.3
    """A value whose sd is a larger part of it is marked low_precision."""
    report: bool = True
    """Whether report.html is written."""
    derived: bool = True
    """Whether derived tables that need no parameters are made unasked."""


class EngineSection(Section):
    """What the engine may use; never changes a result."""

    name: Literal["duckdb", "spark"] = "duckdb"
    """The engine: duckdb on this machine, or spark, which needs the spark extra and Java."""
    master: Annotated[Master, Field(examples=["local[2]"])] | None = None
    """URL of the Spark master; this machine's cores when left out."""
    memory_mb: Annotated[int, Field(ge=256, le=16_777_216)] = 2048
    """Memory limit in mebibytes."""
    threads: Annotated[int, Field(ge=1, le=1024, examples=[2])] | None = None
    """Threads; one per core when left out."""
    spill_gb: Annotated[int, Field(ge=1, le=1_048_576)] = 100
    """Disk for temporary files, in gibibytes."""

    @model_validator(mode="after")
    def _master_of_spark(self) -> Self:
        if self.master and self.name != "spark":
            raise ValueError(
                f"master is {said(self.master)}, but {self.name} has no master. "
                'Write name = "spark" or remove master.'
            )
        return self


class SpecFile(Section):
    """A release spec as written; ``[[tables]]`` entries are validated by their own declaration."""

    title: Annotated[Line, Field(examples=["Daily mobility"])]
    """What the release is, in a few public words."""
    dates: Annotated[DatesSection, Field(examples=["{ start = 2026-03-02, days = 7 }"])]
    """Which dates."""
    issue: Annotated[int, Field(ge=0, le=9999)] = 0
    """Number of a restatement; a new issue draws new noise and costs budget again."""
    series: SeriesSection
    """The ledger that pays."""
    zones: ZonesSection
    """The public zones."""
    sources: Annotated[list[SourceSection], Field(min_length=1)]
    """The records."""
    outages: OutagesSection | None = None
    """Declared outages: the statuses no_data and partial follow from them."""
    people: PeopleSection = Field(default={}, validate_default=True)
    """Undated files about persons."""
    traces: TraceParams = Field(default={}, validate_default=True)
    """How positions, stays and trips are read from records."""
    tables: Annotated[list[dict[str, Any]], Field(min_length=1)]
    """What is measured."""
    derived: list[dict[str, Any]] = Field(default=[], validate_default=True)
    """What is computed from it at no cost, beside what is made unasked."""
    history: HistorySection = Field(default={}, validate_default=True)
    """Earlier releases and declared epochs, for baselines."""
    estimates: EstimatesSection | None = None
    """Public weights, for estimates of the population."""
    layers: LayersSection = Field(default={}, validate_default=True)
    """What is made unasked beside the tables, at no cost."""
    release: ReleaseSection = Field(default={}, validate_default=True)
    """Where results go."""
    engine: EngineSection = Field(default={}, validate_default=True)
    """What the engine may use."""
