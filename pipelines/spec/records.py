"""The sources of a release spec: which files hold records, and which column holds what."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipelines.ingest.source import SourceKind
from pipelines.schemas.towers import Assign
from pipelines.spec.cdr import DropSection, TowersSection
from pipelines.spec.fields import DataPath, Line, TimeZone, said
from pipelines.spec.section import Section


class ColumnsSection(Section):
    """Which column of a source holds what."""

    person: Annotated[Line, Field(examples=["subscriber"])]
    """Identifier of the device or person."""
    time: Annotated[Line, Field(examples=["time"])]
    """Time of the record; the start of a visit."""
    end: Annotated[Line, Field(examples=["left"])] | None = None
    """End of a visit."""
    lat: Annotated[Line, Field(examples=["lat"])] | None = None
    """Latitude in degrees, WGS 84."""
    lon: Annotated[Line, Field(examples=["lon"])] | None = None
    """Longitude in degrees, WGS 84."""
    zone: Annotated[Line, Field(examples=["zone"])] | None = None
    """Zone id, where the source has no coordinates."""
    tower: Annotated[Line, Field(examples=["cell"])] | None = None
    """Tower id, of a source of kind cdr."""
    category: Annotated[Line, Field(examples=["category"])] | None = None
    """Category of the record's place, for visits by category."""

    @model_validator(mode="after")
    def _place(self) -> Self:
        for one, other in (("lat", "lon"), ("lon", "lat")):
            if getattr(self, one) and not getattr(self, other):
                raise ValueError(f'{one} is given without {other}. Write {other} = "{other}" too.')
        if self.lat and self.zone:
            raise ValueError("lat and lon are given, and zone too. Keep one of the two.")
        if self.tower and (self.lat or self.zone):
            raise ValueError("tower is given, and another place too. Keep one of them.")
        if not self.lat and not self.zone and not self.tower:
            raise ValueError(
                'no place is mapped. Write lat = "lat", lon = "lon" (or zone = "zone").'
            )
        return self

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        roles: dict[str, str] = {}
        for role, column in self:
            if column and column in roles:
                raise ValueError(
                    f"{roles[column]} and {role} both read the column {said(column)}. "
                    "Write two different columns."
                )
            roles[column] = role
        return self


class SourceSection(Section):
    """One source of records; all sources are united per person."""

    kind: SourceKind
    """pings are fixes; visits are stays by declaration; cdr are network events at towers."""
    path: Annotated[DataPath, Field(examples=["pings/*.parquet"])]
    """A Parquet or CSV file, a folder, or a pattern."""
    columns: ColumnsSection
    """Which column holds what."""
    naive_time_zone: Annotated[TimeZone, Field(examples=["Asia/Seoul"])] | None = None
    """Time zone of times that carry none."""
    time_unit: Literal["s", "ms", "us"] | None = None
    """Unit of whole-number times since 1970-01-01 UTC."""
    time_format: Annotated[Line, Field(examples=["%d/%m/%Y %H:%M:%S"])] | None = None
    """Format of text times; ISO 8601 when left out."""
    towers: TowersSection | None = None
    """The public tower table of a source of kind cdr."""
    assign: Assign | None = None
    """containing: a tower stands for the zone it lies in (the default). voronoi_majority: for the
    zone with most of its Voronoi cell. voronoi: for all zones of its cell; each person at it goes
    to one of them, by share."""
    drop: tuple[DropSection, ...] | None = None
    """Records to leave out by public prefix: machines, inbound roamers."""
    events_per_day: Annotated[int, Field(ge=1, le=1_000_000, examples=[12])] | None = None
    """Declared records of a usual person on a date; never counted. `plan` warns from it."""

    @model_validator(mode="after")
    def _at_towers(self) -> Self:
        if (self.kind == "cdr") != bool(self.columns.tower and self.towers):
            raise ValueError(
                f"the kind is {self.kind}; a source of kind cdr, and no other, has columns.tower "
                'and towers. Write kind = "cdr", tower = "cell" in columns, and '
                'towers = { file = "towers.csv", id = "cell", lat = "lat", lon = "lon" }.'
            )
        if self.assign and self.kind != "cdr":
            raise ValueError(f"assign is for towers; a source of kind {self.kind} has none.")
        return self

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind != "visits" and self.columns.end:
            raise ValueError(
                f"columns.end is {said(self.columns.end)}, but a ping has no end. "
                'Remove it or write kind = "visits".'
            )
        if self.time_unit and (self.time_format or self.naive_time_zone):
            other = "time_format" if self.time_format else "naive_time_zone"
            raise ValueError(
                f"time_unit is for whole numbers since 1970 in UTC; {other} does not go with it. "
                "Keep one of the two."
            )
        return self
