"""A small world and simulated measurements of known truth, for the derived tables' tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp.keys import KeySet
from dp.law import NoiseLaw
from dp.loss import Loss, Rho
from dp.tables import Noisy
from pipelines.derived import DERIVED
from pipelines.derived._places import keys_of
from pipelines.schemas.calendar import Calendar
from pipelines.schemas.derived import Facts, Published, Rows
from pipelines.schemas.world import World
from pipelines.schemas.zones import ZoneSet
from pipelines.tables import TABLES

START = dt.date(2026, 3, 2)  # a Monday
LOSS = Loss(Rho.of("1/60"))


def world_of(zones: int = 12, *, parents: int = 3, days: int = 1, start: dt.date = START) -> World:
    """Return zones z00, z01, ... whose parents take turns, and some dates in Seoul."""
    ids = tuple(f"z{i:02d}" for i in range(zones))
    calendar = Calendar(time_zone="Asia/Seoul", day_starts=dt.time(4), start=start, days=days)
    made: Any = None
    return World(
        calendar=calendar,
        zones=ZoneSet(
            ids=ids,
            names=("",) * zones,
            parents=tuple(f"p{i % parents}" if parents else "" for i in range(zones)),
            population=(None,) * zones,
            frame=made,
            lookup=made,
            origin="test",
        ),
    )


def facts_of(world: World, *tables: str, **more: Any) -> Facts:
    """Return facts of a release of these tables with their usual parameters."""
    entries = {
        name: TABLES[name].params.model_validate({"table": name, **_CAPS.get(name, {})})
        for name in tables
    }
    return Facts(world=world, tables=entries, **more)


_CAPS: Mapping[str, Mapping[str, Any]] = {"visits": {"cap": 8}}


@dataclass
class Truth:
    """Counts without noise, by table and date; noise is drawn anew for each trial.

    The discrete laws are drawn as rounded normal or two-sided geometric numbers, which at these
    scales have the same variance to four digits.
    """

    facts: Facts
    law: NoiseLaw
    counts: dict[tuple[str, dt.date], NDArray[np.int64]] = field(default_factory=dict)

    def keys(self, table: str) -> KeySet:
        """Return a table's key set."""
        return keys_of(self.facts, table)

    def put(self, table: str, counts: NDArray[np.int64], date: dt.date = START) -> None:
        """State the true counts of a date."""
        self.counts[(table, date)] = counts * self.keys(table).measured

    def published(self, rng: np.random.Generator | None) -> Published:
        """Return a view with fresh noise, or with none of any size where there is no generator."""
        held = {at: self._noisy(at, rng) for at in self.counts}
        return Published(facts=self.facts, recall=lambda table, date: held[(table, date)])

    def _noisy(self, at: tuple[str, dt.date], rng: np.random.Generator | None) -> Noisy:
        keys, counts = self.keys(at[0]), self.counts[at]
        law = self.law if rng is not None else NoiseLaw(self.law.kind, 0.125, 1)
        lattice = counts * law.factor
        if rng is not None:
            lattice = lattice + np.where(keys.measured, draw(rng, law, keys.size), 0)
        return Noisy(table=at[0], reads=(at[1],), keys=keys, law=law, loss=LOSS, lattice=lattice)


def draw(rng: np.random.Generator, law: NoiseLaw, size: int) -> NDArray[np.int64]:
    """Return noise of a law."""
    if law.kind == "discrete_laplace":
        p = -np.expm1(-1.0 / law.scale)
        return (rng.geometric(p, size) - rng.geometric(p, size)).astype(np.int64)
    return np.rint(rng.normal(0.0, law.scale, size)).astype(np.int64)


def computed(name: str, published: Published, **params: Any) -> list[Rows]:
    """Return the rows of a derived table."""
    table = DERIVED[name]
    entry = table.params.model_validate({"table": name, **params})
    assert table.check(published.facts, entry) == []
    return list(table.compute(published, entry))


def trials(truth: Truth, name: str, *, times: int, seed: int, **params: Any) -> Iterator[Rows]:
    """Yield the rows of repeated releases of one truth."""
    rng = np.random.default_rng(seed)
    for _ in range(times):
        yield from computed(name, truth.published(rng), **params)


def coverage(rows: Iterator[Rows], exact: NDArray[np.float64]) -> tuple[float, float, int]:
    """Return the part of bounded intervals that hold the truth, the part bounded, and how many."""
    held = bounded = cells = 0
    for one in rows:
        live = np.ones(exact.shape, bool) if one.structural is None else ~one.structural
        finite = live & np.isfinite(one.estimate.lo)
        inside = (one.estimate.lo <= exact) & (exact <= one.estimate.hi)
        held += int((inside & finite).sum())
        bounded += int(finite.sum())
        cells += int(live.sum())
    return held / bounded, bounded / cells, bounded
