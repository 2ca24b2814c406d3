"""Zones as public facts: ids in published order, geometry, and how a point finds its zone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import geopandas as gpd
    import pyarrow as pa

OUTSIDE = -1
"""The zone number of a point that lies in no zone."""


class ZoneLookup(Protocol):
    """How an engine turns points into zone numbers, in plain SQL over public relations.

    Attributes:
        relations: Public lookup relations to register under these names before ``sql`` runs.
        functions: Scalar functions over Arrow arrays to register, by SQL name (only H3 needs one):
            ``(lat_e7: int32, lon_e7: int32) -> int32``.
    """

    @property
    def relations(self) -> Mapping[str, pa.Table]:
        """Lookup relations by name."""
        ...

    @property
    def functions(self) -> Mapping[str, Callable[[pa.Array, pa.Array], pa.Array]]:
        """Scalar functions by SQL name."""
        ...

    def sql(self, relation: str) -> str:
        """Return a SELECT giving every row and column of ``relation`` and ``zone INTEGER``.

        ``relation`` has INTEGER columns ``lat_e7`` and ``lon_e7`` (degrees times 10^7, WGS 84).
        Each row comes out exactly once; ``zone`` is ``OUTSIDE`` where no zone holds the point.
        """
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class ZoneSet:
    """Published zones; zone number ``i`` is the position in every tuple below.

    Attributes:
        ids: Zone ids as text, sorted: the published order.
        names: Display names, "" where none.
        parents: Parent ids, "" where none.
        population: Declared resident population, None where none.
        frame: GeoDataFrame (EPSG:4326) of the same rows: ``zone``, ``name``, ``parent``,
            ``population``, ``geometry``, after merging of sensitive zones.
        lookup: How a point finds its zone.
        origin: Where the zones came from, in public words: "grid 500 m", a file's base name.
        notes: Public remarks found while building: gaps, overlaps, merged zones.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    parents: tuple[str, ...]
    population: tuple[int | None, ...]
    frame: gpd.GeoDataFrame = field(repr=False)
    lookup: ZoneLookup = field(repr=False)
    origin: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def digest(self) -> str:
        """A hash of ids, parents and exact geometry: another zone set is another series."""
        shapes = [shape.wkb_hex for shape in self.frame.geometry]
        plain = json.dumps([self.ids, self.parents, shapes], ensure_ascii=False)
        return hashlib.sha256(plain.encode()).hexdigest()
