"""Zones in key columns, and the coarser levels above them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dp.keys import KeySet
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.derived import Facts, KeyColumn
from pipelines.schemas.levels import (
    ALL,
    LEVELS,
    Level,
    coarser,
    holds_zones,
    level_of,
    lifted,
    zone_keys,
)
from pipelines.tables import TABLES

__all__ = [
    "ALL",
    "BIN",
    "LEVELS",
    "Level",
    "coarser",
    "column_of",
    "holds_zones",
    "keys_of",
    "level_of",
    "lifted",
    "numbers_of",
    "zone_keys",
]

BIN = "bin"


def keys_of(facts: Facts, table: str, day: MobilityDay | None = None) -> KeySet:
    """Return the public key set of a measured table on a date; the first when left out."""
    day = facts.world.calendar.dates[0] if day is None else day
    return TABLES[table].keys(facts.world, facts.tables[table], day)


def column_of(facts: Facts, table: str, name: str, labels: tuple[str, ...] = ()) -> KeyColumn:
    """Return the column of a measured table's key, perhaps with other labels."""
    key = next(one for one in keys_of(facts, table).keys if one.name == name)
    words = tuple(v for v in key.values if isinstance(v, str))
    return KeyColumn(
        name=name,
        meaning=TABLES[table].columns.get(name, ""),
        labels=labels or words,
        bin_s=getattr(facts.tables[table], "bin_s", 0) if name == BIN else 0,
    )


def numbers_of(keys: KeySet, name: str) -> NDArray[np.int64]:
    """Return what a key column's rows say: positions of text values, or the whole numbers."""
    values = keys.keys[keys.position(name)].values
    codes = keys.codes(name)
    if isinstance(values[0], str):
        return codes
    return np.array(values, dtype=np.int64)[codes]
