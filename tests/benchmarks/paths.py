"""Recovery of paths on a city: how long it takes, and what it finds.

    python tests/benchmarks/paths.py [PEOPLE] [ZONES]

Simulated people, two dates, 24 slots each, exact counts; the stage is not needed: no noise.
"""

from __future__ import annotations

import datetime as dt
import resource
import sys
import time

import numpy as np
import shapely

from dp.audits.recovery import link_days, recover_day
from dp.audits.scores import matched
from pipelines.twin.day import make_day
from pipelines.twin.ground import make_ground, metres
from pipelines.twin.people import make_people
from pipelines.twin.places import Places

START, DAYS, SLOTS = dt.date(2026, 3, 2), 2, 24
NIGHT = np.array([slot < 2 or slot >= 18 for slot in range(SLOTS)])


def main(people: int = 20_000, zones: int = 400) -> None:
    ground = make_ground(zones)
    places, chance = Places(ground), np.random.default_rng(1)
    crowd = make_people(people, places=places, out=0.0, rng=chance)
    tree = shapely.STRtree(shapely.transform(np.array(ground.shapes), metres))
    slots = []
    for number in range(DAYS):
        date = START + dt.timedelta(number)
        day = make_day(crowd, date=date, places=places, away=0.0, rng=chance)
        for slot in range(SLOTS):
            where = day.at(np.arange(people), np.full(people, (slot + 0.5) * 3_600.0))
            slots.append(tree.nearest(shapely.points(where)))
    true = np.stack(slots, axis=1)
    counts = np.stack([np.bincount(slot, minlength=zones) for slot in slots])
    clock = time.process_time()
    days = [
        recover_day(part, places=ground.centres_m, night=NIGHT) for part in np.split(counts, DAYS)
    ]
    recovered = time.process_time() - clock
    clock = time.process_time()
    whole = link_days(days, cells=zones)
    linked = time.process_time() - clock
    clock = time.process_time()
    right = matched(whole, true, cells=zones)
    scored = time.process_time() - clock
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{people:,} people, {zones} zones, {DAYS} dates of {SLOTS} slots")
    print(f"processor seconds: paths {recovered:.1f}, links {linked:.1f}, score {scored:.1f}")
    print(f"share of slots right {right.mean():.3f}; peak memory {peak_gb:.2f} GB")


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:]))
