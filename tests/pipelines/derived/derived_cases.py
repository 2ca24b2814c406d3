"""One simulated world for each derived table and each way in which it may be hard to get right.

The tests hold the nominal 95% to each within a point over 10,000 cells; the benchmark
(``tests/benchmarks/coverage.py``) prints the figures over more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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


def _wide(law: str) -> NoiseLaw:
    return NoiseLaw(law, 25.0)  # type: ignore[arg-type]


_COARSE = NoiseLaw("discrete_gaussian", 3e4, 4096)
_NINE = NoiseLaw("discrete_gaussian", 9.0)
_FLOWS, _VISITS = {"of": "od_flows"}, {"of": "visits"}
_CHANGE = {"of": "visits", "baseline": FOUR_WEEKS}

CASES = [
    Case(
        name="totals",
        of="totals",
        truth=lambda: counts("od_flows", GAUSSIAN, 0, 60),
        times=1_100,
        params=_FLOWS,
    ),
    Case(
        name="totals, Laplace noise",
        of="totals",
        truth=lambda: counts("od_flows", LAPLACE, 0, 60),
        times=1_100,
        params=_FLOWS,
    ),
    Case(
        name="totals, weighted contributions",
        of="totals",
        truth=lambda: counts("od_flows", _COARSE, 0, 60),
        times=1_100,
        params=_FLOWS,
    ),
    Case(
        name="shares of visits",
        of="shares",
        truth=lambda: counts("visits", GAUSSIAN, 5, 400),
        times=1_000,
        params=_VISITS,
    ),
    Case(
        name="shares of visits, Laplace noise",
        of="shares",
        truth=lambda: counts("visits", LAPLACE, 5, 400),
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
    Case(
        name="colocation and mixing of zones",
        of="colocation",
        truth=lambda: residents(_NINE),
        times=36,
        params={"residents": "zone"},
    ),
    Case(
        name="colocation and mixing of parents",
        of="colocation",
        truth=lambda: residents(_NINE),
        times=560,
        params={"residents": "parent"},
    ),
    Case(name="residence_time", of="residence_time", truth=lambda: whereabouts(GAUSSIAN), times=75),
    Case(
        name="residence_time, Laplace noise",
        of="residence_time",
        truth=lambda: whereabouts(LAPLACE),
        times=75,
    ),
    Case(name="od_persons", of="od_persons", truth=lambda: journeys(GAUSSIAN), times=75),
    Case(
        name="od_persons, Laplace noise",
        of="od_persons",
        truth=lambda: journeys(LAPLACE),
        times=75,
    ),
    Case(
        name="kept_share",
        of="kept_share",
        truth=lambda: journeys(NoiseLaw("discrete_gaussian", 60.0)),
        times=10_000,
    ),
    Case(
        name="change_from_baseline",
        of="change_from_baseline",
        truth=lambda: weeks(_wide("discrete_gaussian")),
        times=130,
        params=_CHANGE,
        bounded=0.99,
    ),
    Case(
        name="change_from_baseline, Laplace noise",
        of="change_from_baseline",
        truth=lambda: weeks(_wide("discrete_laplace")),
        times=130,
        params=_CHANGE,
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
