"""Zones before publication, and the table of a published zone set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import geopandas as gpd
import numpy as np
import pandas as pd

from pipelines.schemas.zones import ZoneLookup, ZoneSet
from pipelines.zones.coordinates import Ints, Shapes


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Zones in published order: sorted by id, one entry a zone in every field.

    Attributes:
        ids: Zone ids as text.
        names: Display names, "" where none.
        parents: Parent ids, "" where none.
        population: Declared residents, None where unknown.
        shapes: Polygons in degrees.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    parents: tuple[str, ...]
    population: tuple[int | None, ...]
    shapes: Shapes

    @classmethod
    def bare(cls, ids: Sequence[str], shapes: Shapes) -> Self:
        """Return zones that have an id and a shape alone, such as grid cells, already sorted."""
        blank = ("",) * len(ids)
        unknown = (None,) * len(ids)
        return cls(ids=tuple(ids), names=blank, parents=blank, population=unknown, shapes=shapes)

    def sorted(self) -> Draft:
        """Return the same zones in published order."""
        order = sorted(range(len(self.ids)), key=self.ids.__getitem__)
        return self.take(order)

    def merged(self, target: Ints, shapes: Shapes) -> Draft:
        """Return the zones that stay, each with the residents of what was merged into it.

        Args:
            target: Per zone, the position of the zone it is merged into: itself where it stays.
            shapes: Per zone that stays, its shape after merging.
        """
        kept = np.flatnonzero(target == np.arange(len(target))).tolist()
        total = list(self.population)
        for at in np.flatnonzero(target != np.arange(len(target))).tolist():
            into, more = total[target[at]], self.population[at]
            total[target[at]] = None if into is None or more is None else into + more
        summed = replace(self, population=tuple(total))
        return replace(summed.take(kept), shapes=shapes)

    def published(self, lookup: ZoneLookup, *, origin: str, notes: Sequence[str]) -> ZoneSet:
        """Return the zone set with this lookup."""
        columns = {
            "zone": list(self.ids),
            "name": list(self.names),
            "parent": list(self.parents),
            "population": pd.array(list(self.population), dtype="Int64"),
        }
        frame = gpd.GeoDataFrame(columns, geometry=list(self.shapes), crs=4326)
        return ZoneSet(
            ids=self.ids,
            names=self.names,
            parents=self.parents,
            population=self.population,
            frame=frame,
            lookup=lookup,
            origin=origin,
            notes=tuple(notes),
        )

    def take(self, order: Sequence[int]) -> Draft:
        """Return the zones at these positions, in this order."""
        return Draft(
            ids=tuple(self.ids[i] for i in order),
            names=tuple(self.names[i] for i in order),
            parents=tuple(self.parents[i] for i in order),
            population=tuple(self.population[i] for i in order),
            shapes=self.shapes[list(order)],
        )


def renumbered(target: Ints) -> Ints:
    """Return, per zone before merging, its number after: merged zones share their target's."""
    kept = target == np.arange(len(target))
    number = np.cumsum(kept) - 1
    return np.asarray(number[target], dtype=np.int64)
