"""One simulated world for each derived table and each way in which it may be hard to get right.

The tests hold the nominal 95% to each within a point over 10,000 cells; the benchmark
(``tests/benchmarks/coverage.py``) prints the figures over more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from derived_world import START, Truth, computed, coverage, facts_of, trials, world_of

from dp.law import NoiseLaw

GAUSSIAN = NoiseLaw("discrete_gaussian", 12.0)
LAPLACE = NoiseLaw("discrete_laplace", 12.0)
FOUR_WEEKS = {"start": START.isoformat(), "days": 28}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A derived table, a truth that it is computed from, and how often to draw noise for it.

    ``bounded``: the least part of intervals that must be finite; the others say that nothing is
    known, and are not counted.
    """

    name: str
    of: str
    truth: Callable[[], Truth]
    times: int
    params: Mapping[str, Any] = field(default_factory=dict)
    bounded: float = 1.0

    def held(self, *, times: int, seed: int) -> tuple[float, float, int]:
        """Return coverage, the part of bounded intervals, and how many there were."""
        truth = self.truth()
        (exact, *_) = computed(self.of, truth.published(None), **self.params)
        rows = trials(truth, self.of, times=times, seed=seed, **self.params)
        return coverage(rows, exact.estimate.value)


def counts(table: str, law: NoiseLaw, low: int, high: int, *, zones: int = 12) -> Truth:
    """A table of equally likely counts."""
    truth = Truth(facts_of(world_of(zones), table), law)
    truth.put(table, np.random.default_rng(2).integers(low, high, truth.keys(table).size))
    return truth


def crowds(law: NoiseLaw, people: int) -> Truth:
    """Zones of so many people on average."""
    truth = Truth(facts_of(world_of(40), "presence"), law)
    truth.put("presence", np.random.default_rng(4).poisson(people, 24 * 40))
    return truth


def residents(law: NoiseLaw) -> Truth:
    """People who are mostly where they sleep, and the panel that they are part of."""
    truth = Truth(facts_of(world_of(), "presence_by_overnight", "panel"), law)
    rng, keys = np.random.default_rng(5), truth.keys("presence_by_overnight")
    home = keys.codes("overnight") == keys.codes("zone")
    truth.put("presence_by_overnight", rng.poisson(np.where(home, 150, 12), keys.size))
    truth.put("panel", rng.integers(60, 140, truth.keys("panel").size))
    return truth


def whereabouts(law: NoiseLaw) -> Truth:
    """People spread thinly over zones and hours."""
    truth = Truth(facts_of(world_of(), "presence_by_overnight"), law)
    keys = truth.keys("presence_by_overnight")
    truth.put("presence_by_overnight", np.random.default_rng(6).poisson(20, keys.size))
    return truth


def journeys(law: NoiseLaw) -> Truth:
    """Flows, and people by how many trips they made."""
    truth = Truth(facts_of(world_of(), "od_flows", "trips_per_person"), law)
    rng = np.random.default_rng(9)
    truth.put("od_flows", rng.integers(20, 300, 144))
    truth.put("trips_per_person", rng.integers(20, 300, truth.keys("trips_per_person").size))
    return truth


def weeks(law: NoiseLaw, *, active: int = 4000, mean: float = 300.0) -> Truth:
    """Five weeks in which each zone's visits fall to a part of its own in the last one."""
    truth = Truth(facts_of(world_of(days=35), "visits", "panel"), law)
    rng = np.random.default_rng(1)
    usual, part = rng.uniform(0.5, 2.0, 12) * mean, rng.uniform(0.3, 1.3, 12)
    for i, day in enumerate(truth.facts.world.calendar.dates):
        level = usual * (1 + 0.2 * (i % 7 > 4)) * (part if i >= 28 else 1.0)
        truth.put("visits", np.rint(level).astype(np.int64), day.date)
        truth.put("panel", np.full(65, active // 65, dtype=np.int64), day.date)
    return truth


def _twice(
    name: str, of: str, truth: Callable[[NoiseLaw], Truth], *, wide: float = 12.0, **more: Any
) -> list[Case]:
    """The same truth under either noise."""
    laws = (NoiseLaw("discrete_gaussian", wide), NoiseLaw("discrete_laplace", wide))
    return [
        Case(name=name + said, of=of, truth=partial(truth, law), **more)
        for law, said in zip(laws, ("", ", Laplace noise"), strict=True)
    ]


_COARSE = NoiseLaw("discrete_gaussian", 3e4, 4096)
_NINE = NoiseLaw("discrete_gaussian", 9.0)
_FLOWS, _VISITS = {"of": "od_flows"}, {"of": "visits"}

CASES = [
    *_twice(
        "totals", "totals", lambda law: counts("od_flows", law, 0, 60), times=1_100, params=_FLOWS
    ),
    Case(
        name="totals, weighted contributions",
        of="totals",
        truth=lambda: counts("od_flows", _COARSE, 0, 60),
        times=1_100,
        params=_FLOWS,
    ),
    *_twice(
        "shares of visits",
        "shares",
        lambda law: counts("visits", law, 5, 400),
        times=1_000,
        params=_VISITS,
    ),
    Case(
        name="shares of destinations, thin rows",
        of="shares",
        truth=lambda: counts("od_flows", GAUSSIAN, 0, 40),
        times=90,
        params=_FLOWS,
        bounded=0.9,
    ),
    *(
        Case(
            name=f"crowding, {people} people a zone{', Laplace noise' * (law is LAPLACE)}",
            of="crowding",
            truth=lambda law=law, people=people: crowds(law, people),
            times=120,
            bounded=0.95,
        )
        for law, people in ((GAUSSIAN, 90), (GAUSSIAN, 30), (GAUSSIAN, 12), (LAPLACE, 90))
    ),
    *(
        Case(
            name=f"colocation and mixing of {level}s",
            of="colocation",
            truth=lambda: residents(_NINE),
            times=times,
            params={"residents": level},
        )
        for level, times in (("zone", 36), ("parent", 560))
    ),
    *_twice("residence_time", "residence_time", whereabouts, times=75),
    *_twice("od_persons", "od_persons", journeys, times=75),
    Case(
        name="kept_share",
        of="kept_share",
        truth=lambda: journeys(NoiseLaw("discrete_gaussian", 60.0)),
        times=10_000,
    ),
    *_twice(
        "change_from_baseline",
        "change_from_baseline",
        weeks,
        wide=25.0,
        times=130,
        params=_VISITS | {"baseline": FOUR_WEEKS},
        bounded=0.99,
    ),
]
"""Every derived table but importation, whose prevalence and weight are drawn anew too."""


def importation_held(folder: Path, *, worlds: int, seed: int) -> tuple[float, float, int]:
    """Return coverage of arrivals and of the risk: noise, prevalence and weight are all drawn.

    The weight's error is shared by the zones of a world, but is a small part of each one's.
    """
    rng, zones = np.random.default_rng(seed), 12
    truth = Truth(facts_of(world_of(zones), "od_flows"), NoiseLaw("discrete_gaussian", 25.0))
    truth.put("od_flows", rng.integers(20, 100, zones * zones))
    trips = truth.counts[("od_flows", START)].reshape(zones, zones)
    prevalence, sd = rng.uniform(0.0005, 0.003, zones), 0.0001
    weight, weight_sd = 1.5, 0.05
    arrivals = weight * (prevalence @ trips)
    exact = np.stack([arrivals, -np.expm1(-arrivals)], axis=1).ravel()
    held, file = 0, folder / "prevalence.csv"
    for _ in range(worlds):
        told = prevalence + rng.normal(0.0, sd, zones)
        lines = [f"z{i:02d},{p:.9f},{sd}" for i, p in enumerate(told)]
        file.write_text("\n".join(["zone,prevalence,sd", *lines]) + "\n", encoding="utf-8")
        (rows,) = computed(
            "importation",
            truth.published(rng),
            prevalence=str(file),
            weight=float(weight + rng.normal(0.0, weight_sd)),
            weight_sd=weight_sd,
        )
        one = rows.estimate
        held += int(((one.lo <= exact) & (exact <= one.hi)).sum())
    return held / (exact.size * worlds), 1.0, exact.size * worlds
