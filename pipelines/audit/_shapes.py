"""Persons who try to count as much as anyone can: their records, date by date.

Each stays in zones for spells long enough to count. Whatever a table caps, one of them reaches the
cap; the worst is found by measuring them all through the engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import shapely

if TYPE_CHECKING:
    from pipelines.schemas.calendar import MobilityDay
    from pipelines.schemas.zones import ZoneSet

_FIX_S = 300
_MARGIN_S = 60
_SPELL_S = 1_800


def _hermit(_zones: int, _spell: int) -> int:
    return 0


def _shuttle(zones: int, spell: int) -> int:
    return spell % 2 % zones


def _round_trip(zones: int, spell: int) -> int:
    """Three zones in turn: the same few pairs, many times."""
    return spell % 3 % zones


def _tour(zones: int, spell: int) -> int:
    return spell % zones


def _burst(zones: int, spell: int) -> int:
    """Home but for one swing around four zones at noon: few trips, each to another pair."""
    return max(0, spell - 20) % 4 % zones if 20 < spell < 28 else 0  # noqa: PLR2004  half hours


_NEARBY = "nearby"
SHAPES: Mapping[str, Callable[[int, int], int]] = MappingProxyType(
    {
        "hermit": _hermit,
        "shuttle": _shuttle,
        "round trip": _round_trip,
        "tour": _tour,
        "burst": _burst,
        _NEARBY: _burst,
    }
)
"""Which zone (a place in a list of zones) a person is in during a half hour of the date. Who stays
nearby goes on the swing inside one parent: all its trips meet in one cell of every level above."""


def fixes(ids: Sequence[str], shape: str, *, zones: ZoneSet, day: MobilityDay) -> pa.Table:
    """Return one date's fixes of a person of a shape who carries these identifiers.

    A fix every five minutes at a zone's inner point, spells of half an hour; zones far apart first,
    or those of the parent with the most zones.
    """
    points = shapely.get_coordinates(
        shapely.point_on_surface(np.array(zones.frame.geometry.values))
    )
    order = _by_parent(zones.parents) if shape == _NEARBY else _far_apart(points)
    t = np.arange(_MARGIN_S, day.length_s, _FIX_S)
    place = SHAPES[shape]
    at = points[order[[place(len(order), int(s) // _SPELL_S) for s in t]]]
    return pa.concat_tables(
        pa.table(
            {
                "subscriber": pa.array([name] * len(t), pa.string()),
                "ts": pa.array(day.start_s + t).cast(pa.timestamp("s", tz="UTC")),
                "lat": np.round(at[:, 1], 6),
                "lon": np.round(at[:, 0], 6),
            }
        )
        for name in ids
    )


def _by_parent(parents: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return zones by parent, those of the parent with the most zones first."""
    sizes = Counter(parents)
    ranked = sorted(range(len(parents)), key=lambda i: (-sizes[parents[i]], parents[i], i))
    return np.array(ranked, dtype=np.int64)


def _far_apart(
    points: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return zones in an order in which neighbours in the list lie far apart."""
    order = np.argsort(points[:, 0] + points[:, 1])
    half = len(order) // 2
    mixed = np.empty_like(order)
    mixed[0::2], mixed[1::2] = order[: len(order) - half], order[len(order) - half :]
    return mixed
