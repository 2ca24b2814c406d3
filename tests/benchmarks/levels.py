"""What consistent estimates cost: flows between 1,000 zones in 40 districts, at three levels."""

from __future__ import annotations

import datetime as dt
import resource
import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from dp.keys import Key, KeySet
from dp.law import NoiseLaw
from dp.lifts import Lift
from dp.loss import Loss, Rho
from dp.postprocess import Levelled, LevelTree
from dp.tables import Noisy

ZONES, DISTRICTS = 1_000, 40
LAWS = tuple(NoiseLaw("discrete_gaussian", 4096 * sd, 4096) for sd in (5.0, 8.0, 10.0))


def pairs(size: int, *, apart: bool = False) -> KeySet:
    names = tuple(f"n{i}" for i in range(size))
    zero = (("origin", "destination"),) if apart else ()
    return KeySet((Key("origin", names), Key("destination", names)), distinct=zero)


def timed(what: str, work: Callable[[], object]) -> None:
    start = time.process_time()
    work()
    print(f"{what:45} {time.process_time() - start:6.2f} s of one core")


if __name__ == "__main__":
    leaf, place = pairs(ZONES, apart=True), tuple(i % DISTRICTS for i in range(ZONES))
    lifts = (
        Lift(leaf, pairs(DISTRICTS), (place, place)),
        Lift(leaf, pairs(1), ((0,) * ZONES, (0,) * ZONES)),
    )
    drawn = tuple(
        Noisy(
            table="od_flows",
            reads=(dt.date(2026, 3, 2),),
            keys=keys,
            law=law,
            loss=Loss(Rho(Fraction(1))),
            lattice=np.where(keys.measured, 7_000, 0).astype(np.int64),
        )
        for keys, law in zip((leaf, *(lift.coarse for lift in lifts)), LAWS, strict=True)
    )
    found = Levelled(LevelTree(leaf, lifts, LAWS), drawn)
    timed(f"values and sd of {leaf.size:,} cells", lambda: (found.values, found.sd))
    timed("1,000 sums with exact variance", lambda: found.sums(leaf.codes("origin"), ZONES))
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB at most")
