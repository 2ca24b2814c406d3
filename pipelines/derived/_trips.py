"""Trips per person as numbers, from the public labels of ``trips_per_person``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dp.keys import KeySet
from dp.postprocess import Best
from dp.postprocess.sums import Sums
from pipelines.derived._residents import OVERNIGHT
from pipelines.schemas.derived import Facts

FLOWS, PER_PERSON = "od_flows", "trips_per_person"


def trips_key(keys: KeySet) -> str | None:
    """Return the key that says how many trips a person made; None where there is none."""
    found = [
        key.name
        for key in keys.keys
        if key.name != OVERNIGHT and all(str(v).rstrip("+").isdigit() for v in key.values)
    ]
    return found[0] if len(found) == 1 else None


def numbers(keys: KeySet) -> NDArray[np.float64]:
    """Return each cell's number of trips; an open class ("15+") counts as its least."""
    name = trips_key(keys)
    assert name is not None, "check refuses other keys"
    values = keys.keys[keys.position(name)].values
    return np.array([float(str(v).rstrip("+")) for v in values])[keys.codes(name)]


def all_flows(best: Best) -> Sums:
    """Return all trips of a date; shape (1,)."""
    return best.sums(np.zeros(best.keys.size, dtype=np.int64), 1)


def flow_faults(facts: Facts, keys: KeySet) -> list[str]:
    """Return why trips per person cannot be read."""
    if trips_key(keys) is None or OVERNIGHT not in keys.names:
        return [f"{PER_PERSON} must have the keys {OVERNIGHT} and a number of trips."]
    if len(facts.world.zones) < 2:  # noqa: PLR2004  a matrix
        return ["it needs two zones or more."]
    return []
