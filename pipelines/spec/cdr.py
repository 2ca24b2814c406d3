"""What a spec says of sparse network sources: towers, prefixes to drop, events per day."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipelines.spec.fields import Line, PublicFile
from pipelines.spec.section import Section
from pipelines.zones.towers import TowerTable


class TowersSection(Section):
    """A public CSV file of towers and its columns."""

    file: Annotated[PublicFile, Field(examples=["towers.csv"])]
    """A public CSV file, a line for each tower and span of dates."""
    id: Annotated[Line, Field(examples=["tower"])]
    """Column with tower ids as the source writes them."""
    lat: Annotated[Line, Field(examples=["lat"])]
    """Column with latitude in degrees, WGS 84."""
    lon: Annotated[Line, Field(examples=["lon"])]
    """Column with longitude in degrees, WGS 84."""
    valid_from: Annotated[Line, Field(examples=["valid_from"])] | None = None
    """Column with the first date on which a line holds; empty: from ever."""
    valid_to: Annotated[Line, Field(examples=["valid_to"])] | None = None
    """Column with the last date on which a line holds; empty: for ever."""

    @property
    def table(self) -> TowerTable:
        """The file as zones read it."""
        return TowerTable(
            path=self.file,
            id=self.id,
            lat=self.lat,
            lon=self.lon,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )


class DropSection(Section):
    """Records to leave out: machines, inbound roamers."""

    column: Annotated[Line, Field(examples=["imsi"])]
    """A column of the source: the id, or one that says the device's kind or home network."""
    prefixes: Annotated[
        tuple[Annotated[Line, Field(max_length=40)], ...], Field(min_length=1, max_length=500)
    ]
    """A record whose value starts with one of these public prefixes is left out."""
