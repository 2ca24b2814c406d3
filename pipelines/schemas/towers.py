"""Towers as public facts: where each is, when it is valid, and which zones it stands for."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Literal

Assign = Literal["containing", "voronoi_majority", "voronoi"]
"""How a tower stands for zones: the zone it lies in, the zone with most of its Voronoi cell, or all
zones of its cell by their shares."""
PARTS = 2**16
"""Shares are whole numbers of this many parts."""


@dataclass(frozen=True, slots=True, order=True)
class TowerShare:
    """One zone's part of one tower over a span of dates.

    Attributes:
        tower: Id as the sources write it.
        first: First date.
        last: Last date.
        zone: Zone number, -1 for outside.
        low: The share begins at this many of ``PARTS`` ...
        high: ... and ends before this many; the shares of a tower on a date fill [0, PARTS) once.
        lat_e7: Latitude of the tower.
        lon_e7: Longitude of the tower.
    """

    tower: str
    first: dt.date
    last: dt.date
    zone: int
    low: int
    high: int
    lat_e7: int
    lon_e7: int


@dataclass(frozen=True, slots=True)
class Towers:
    """The towers of one source during a release.

    Attributes:
        source: Label of the source.
        assign: How towers stand for zones.
        shares: In order.
        known: Every tower id of the table, also of towers that hold on other dates.
    """

    source: str
    assign: Assign
    shares: tuple[TowerShare, ...]
    known: frozenset[str] = frozenset()

    @property
    def split(self) -> bool:
        """Whether any tower stands for more than one zone."""
        return any(share.high - share.low < PARTS for share in self.shares)

    @property
    def digest(self) -> str:
        """A hash of all that moves a record: with another one it is another series."""
        plain = [self.assign, [[str(getattr(s, n)) for n in s.__slots__] for s in self.shares]]
        return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()
