"""Differences of two answers, one with a person and one without, and what they show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from dp.audits.scores import Pairs
from pipelines.audit._recovery import EXACT, OURS, SUPPRESSED
from pipelines.audit._walkers import Walkers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.audit._stage import Stage

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_LIKELY = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class Differences:
    """A crowd of which one person at a time is dropped, or cut off by a redrawn zone.

    Attributes:
        stage: Its zones, tables and noise.
        people: How many people the crowd has.
        targets: How many of them are tried, from the first.
    """

    stage: Stage
    people: int
    targets: int

    def dropped(self, release: str) -> Pairs:
        """Return the share of slots in which the difference of two answers points at the person.

        In: the first answer has the person, the second, under another ledger, has not. Out:
        neither has. The zone with the largest difference is named, if it is above half a person.
        """
        given, without = [], []
        for target in range(self.targets):
            true = self._walkers.paths[target]
            person = self._vector(target)
            left = self._total - person
            given.append(self._right(self._gap(left + person, left, release), true))
            without.append(self._right(self._gap(left, left, release), true))
        return Pairs(given=np.array(given), without=np.array(without))

    def cut_off(self, release: str) -> Pairs:
        """Return how often somebody is seen in a sliver by which a zone was redrawn.

        The sliver holds the target's home and nobody else's; both answers count everybody in the
        zone, the second without the sliver. Somebody is said to be there where the mean difference
        over the bins is above half of the time that the target is at home.
        """
        given, without = [], []
        for target in range(self.targets):
            path = self._walkers.paths[target]
            zone = np.bincount(path).argmax()
            there = path == zone
            cells = np.arange(path.size) * (self._walkers.cells - 1) + zone
            rest = self._total[cells] - there
            seen = [self._gap(rest + times * there, rest, release, cells) for times in (1, 0)]
            hit = [float(gap.mean() > _LIKELY * there.mean()) for gap in seen]
            given.append(hit[0])
            without.append(hit[1])
        return Pairs(given=np.array(given), without=np.array(without))

    def _gap(self, first: Ints, second: Ints, release: str, cells: Ints | None = None) -> Floats:
        """Return the difference of two answers; 0 where one of them is suppressed."""
        columns = self._walkers.columns if cells is None else self._walkers.columns[cells]
        if release == OURS:
            noisy = [self.stage.noisy(totals, columns) for totals in (first, second)]
            gap: Floats = (noisy[0] - noisy[1]) / self.stage.layout.factor[columns]
            return gap
        shown = (np.minimum(first, second) > SUPPRESSED) | (release == EXACT)
        return np.where(shown, first - second, 0).astype(np.float64)

    def _right(self, gap: Floats, true: Ints) -> float:
        by_slot = gap.reshape(true.size, -1)
        named = np.where(by_slot.max(axis=1) > _LIKELY, by_slot.argmax(axis=1), -1)
        return float(np.mean(named == true))

    def _vector(self, person: int) -> Ints:
        vector: Ints = self._walkers.vectors[[person]].toarray().ravel()
        return vector

    @cached_property
    def _total(self) -> Ints:
        return np.asarray(self._walkers.vectors.sum(axis=0)).ravel()

    @cached_property
    def _walkers(self) -> Walkers:
        return Walkers(stage=self.stage, count=self.people, couriers=0, dates=1)
