"""A declared source with its paths resolved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.schemas.strata import Stratum

SourceKind = Literal["pings", "visits", "cdr"]


@dataclass(frozen=True, slots=True)
class Drop:
    """Records to leave out: those whose value in a column starts with a public prefix."""

    column: str
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One ``[[sources]]`` entry of a spec.

    Attributes:
        label: How messages name it: ``sources[0]``.
        kind: ``pings`` are fixes; ``visits`` are stays by declaration; ``cdr`` are network events
            at towers.
        path: File, folder or glob, resolved against the spec's folder.
        person, time: Column names.
        end: Column with the end of a visit, or None: the visit is then an instant.
        lat, lon: Column names of WGS 84 degrees; both or neither.
        zone: Column with a zone id, or of ``cdr`` the tower id, where there are no coordinates.
        category: Column with the category of the record's place, or None.
        drop: Which records to leave out.
        naive_time_zone: Zone of times that carry none; None where times must carry one.
        time_unit: Unit of integer times since 1970-01-01 UTC: "s", "ms", "us"; None otherwise.
        time_format: strptime format of text times; None for ISO 8601.
    """

    label: str
    kind: SourceKind
    path: Path
    person: str
    time: str
    end: str | None = None
    lat: str | None = None
    lon: str | None = None
    zone: str | None = None
    category: str | None = None
    drop: tuple[Drop, ...] = ()
    naive_time_zone: str | None = None
    time_unit: Literal["s", "ms", "us"] | None = None
    time_format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StrataFile:
    """A declared file of strata.

    Attributes:
        path: The file.
        person: Its column of ids.
        strata: Its columns and their public values.
    """

    path: Path
    person: str
    strata: tuple[Stratum, ...]
