"""Paths from counts as an attacker sees them: exact, suppressed, or with the release's noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from dp.audits.recovery import link_days, recover_day, whole_counts
from dp.audits.scores import Pairs, matched, nearest_share
from pipelines.audit._chance import picked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.audit._chance import Generator
    from pipelines.audit._walkers import Walkers

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

SUPPRESSED = 15
EXACT, OVER, OURS = "exact counts", f"counts over {SUPPRESSED}", "this release"
TYPICAL, UNUSUAL, COURIER = "typical people", "unusual people", "a courier at night"
TELLING, ALL = "telling slots", "all slots"
"""Telling slots: those away from home; of couriers, those at night."""
GROUPS = (TYPICAL, UNUSUAL, COURIER)
_A_GROUP = 10
_FEWEST_AWAY = 4


def seen(walkers: Walkers, totals: Ints, *, release: str, people: int) -> Ints:
    """Return whole counts as an attacker makes them out, shape (slots of all dates, cells).

    The attacker knows how many people there are, whoever is among them.

    Args:
        walkers: Whose zones and noise.
        totals: Exact totals of presence, shape (columns,).
        release: How they are published: ``EXACT``, ``OVER`` or ``OURS``.
        people: How many people there are.
    """
    zones = walkers.cells - 1
    if release == OURS:
        noisy = walkers.stage.noisy(totals, walkers.columns)
        guess = (noisy / walkers.stage.layout.factor[walkers.columns]).reshape(-1, zones)
        low, high = np.zeros_like(guess), np.full_like(guess, people)
    else:
        counts = totals.reshape(-1, zones).astype(np.float64)
        known = (counts > SUPPRESSED) | (release == EXACT)
        guess = np.where(known, counts, SUPPRESSED / 2.0)
        low = np.where(known, counts, 0.0)
        high = np.where(known, counts, float(SUPPRESSED))
    return np.stack(
        [_with_nowhere(*row, people=people) for row in zip(guess, low, high, strict=True)]
    )


def recovered(walkers: Walkers, counts: Ints, *, night: Bools | None = None) -> list[Ints]:
    """Return paths through each date from whole counts; shapes (people, slots of a date).

    Args:
        walkers: Whose places.
        counts: From ``seen``.
        night: When people are expected to stay put; the night where left out.
    """
    still = walkers.night if night is None else night
    return [
        recover_day(part, places=walkers.places, night=still)
        for part in np.split(counts, walkers.dates)
    ]


@dataclass(frozen=True, kw_only=True, eq=False)
class Targets:
    """Whom the attack is tried on. Couriers come two a pair of runs, the rest in every run.

    Attributes:
        walkers: The crowd and the couriers.
        typical, unusual: Their rows in the crowd.
    """

    walkers: Walkers
    typical: Ints
    unusual: Ints

    @classmethod
    def of(cls, walkers: Walkers, chance: Generator) -> Targets:
        """Return some people at random and the most unusual, among those who are ever away."""
        paths = walkers.paths[: walkers.count]
        moves = np.flatnonzero(away(paths).sum(axis=1) >= _FEWEST_AWAY)
        order = moves[np.argsort(-rarity(paths, cells=walkers.cells)[moves], kind="stable")]
        size = min(_A_GROUP, len(order) // 4 * 2)
        others = order[2 * size :]
        typical = others[picked(chance, len(others), min(size, len(others)))]
        return cls(walkers=walkers, typical=typical, unusual=order[:size])

    @cached_property
    def base(self) -> Ints:
        """Totals of everybody who is no target."""
        rows = np.setdiff1d(np.arange(self.walkers.count), [*self.typical, *self.unusual])
        return np.asarray(self.walkers.vectors[rows].sum(axis=0)).ravel()

    def rows(self, pair: int) -> dict[str, Ints]:
        """Return the targets of one pair of runs by group."""
        first = self.walkers.count + 2 * pair
        return {
            TYPICAL: self.typical,
            UNUSUAL: self.unusual,
            COURIER: np.array([first, first + 1]),
        }

    def split(self, pair: int, chance: Generator) -> tuple[Ints, Ints]:
        """Return two halves of a pair's targets, as many of each group in both."""
        halves: tuple[list[Ints], list[Ints]] = ([], [])
        for rows in self.rows(pair).values():
            mixed = chance.permutation(rows)
            halves[0].append(mixed[: len(rows) // 2])
            halves[1].append(mixed[len(rows) // 2 :])
        return np.concatenate(halves[0]), np.concatenate(halves[1])


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """In and out: half of the targets are in the records, then the other half.

    Attributes:
        targets: Whom it is tried on.
        chance: Splits the targets.
    """

    targets: Targets
    chance: Generator

    def run(self, pairs: int, told: Callable[[float], None]) -> dict[tuple[str, str, str], Pairs]:
        """Return mean scores by release, group and slots, one pair a repetition.

        A score is of one date, and the mean over dates: what it loses is one date's rho.

        Both runs of a pair have as many people, so that knowing the number tells nothing.
        """
        found: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
        for pair in range(pairs):
            halves = self.targets.split(pair, self.chance)
            scores = [self._run(pair, half) for half in halves]
            for key in scores[0]:
                means = [_in_out(one[key], half) for one, half in zip(scores, halves, strict=True)]
                found.setdefault(key, []).append(
                    (float(np.mean([m[0] for m in means])), float(np.mean([m[1] for m in means])))
                )
            told((pair + 1) / pairs)
        return {
            key: Pairs(given=np.array([a for a, _ in rows]), without=np.array([b for _, b in rows]))
            for key, rows in found.items()
        }

    def _run(self, pair: int, half: Ints) -> dict[tuple[str, str, str], dict[int, float]]:
        walkers = self.targets.walkers
        totals = self.targets.base + np.asarray(walkers.vectors[half].sum(axis=0)).ravel()
        people = walkers.count - len(self.targets.typical) - len(self.targets.unusual) + len(half)
        scores: dict[tuple[str, str, str], dict[int, float]] = {}
        for release in (EXACT, OVER, OURS):
            counts = seen(walkers, totals, release=release, people=people)
            dates = recovered(walkers, counts)
            for group, rows in self.targets.rows(pair).items():
                for name, of in self._slots(group, walkers.paths[rows]).items():
                    shares = self._shares(dates, walkers.paths[rows], of)
                    scores[release, group, name] = dict(zip(rows.tolist(), shares, strict=True))
        return scores

    def _slots(self, group: str, true: Ints) -> dict[str, Bools]:
        """Return which slots are scored, of all dates."""
        walkers = self.targets.walkers
        night = np.broadcast_to(np.tile(walkers.night, walkers.dates), true.shape)
        telling = night if group == COURIER else away(true)
        return {TELLING: telling, ALL: np.ones_like(telling)}

    def _shares(self, dates: list[Ints], true: Ints, of: Bools) -> Floats:
        """Return the mean over dates of each target's nearest share, shape (targets,)."""
        parts = zip(
            dates, np.split(true, len(dates), axis=1), np.split(of, len(dates), axis=1), strict=True
        )
        shares = [nearest_share(paths, one, of=scored) for paths, one, scored in parts]
        mean: Floats = np.nanmean(shares, axis=0)
        return mean


def shares_matched(walkers: Walkers) -> dict[str, tuple[float, float]]:
    """Return the shares of right slots, all and away from home, of paths from several sources.

    The crowd is cut in two halves that share nobody. True paths are those of the first half; each
    source gives as many paths, which are matched to them one to one as well as can be.
    """
    half = walkers.count // 2
    true, other = walkers.paths[:half], walkers.paths[half : 2 * half]
    mine, theirs = (
        np.asarray(walkers.vectors[part].sum(axis=0)).ravel()
        for part in (slice(0, half), slice(half, 2 * half))
    )
    stay = np.ones_like(walkers.night)

    def from_counts(totals: Ints, release: str, night: Bools | None = None) -> Ints:
        counts = seen(walkers, totals, release=release, people=half)
        return link_days(recovered(walkers, counts, night=night), cells=walkers.cells)

    sources = {
        EXACT: from_counts(mine, EXACT),
        "exact counts, by distance": from_counts(mine, EXACT, stay),
        OVER: from_counts(mine, OVER),
        OURS: from_counts(mine, OURS),
        "exact counts of other people": from_counts(theirs, EXACT),
        "this release of other people": from_counts(theirs, OURS),
        "other people's true paths": other,
        "everybody stays at home": np.repeat(home(true)[:, None], true.shape[1], axis=1),
    }
    out = away(true)
    found = {}
    for name, paths in sources.items():
        right = matched(paths, true, cells=walkers.cells)
        found[name] = float(right.mean()), float(right[out].mean())
    return found


def home(paths: Ints) -> Ints:
    """Return the most frequent cell of each path; shape (people,)."""
    return np.array([np.bincount(path).argmax() for path in paths])


def away(paths: Ints) -> Bools:
    """Return which slots are spent elsewhere; shape of ``paths``."""
    elsewhere: Bools = paths != home(paths)[:, None]
    return elsewhere


def rarity(paths: Ints, *, cells: int) -> Floats:
    """Return how few people make the same moves at the same times; larger is rarer."""
    rare = np.zeros(len(paths))
    for slot in range(1, paths.shape[1]):
        move = paths[:, slot - 1] * cells + paths[:, slot]
        _, kind, size = np.unique(move, return_inverse=True, return_counts=True)
        rare -= np.log(size[kind])
    return rare


def _with_nowhere(guess: Floats, low: Floats, high: Floats, *, people: int) -> Ints:
    """Return whole counts of one slot, with whoever is in no zone in the last cell."""
    unseen = max(0.0, people - high.sum())
    return whole_counts(
        np.append(guess, unseen),
        low=np.append(low, unseen),
        high=np.append(high, max(0.0, people - low.sum())),
        total=people,
    )


def _in_out(scores: dict[int, float], half: Ints) -> tuple[float, float]:
    inside = set(half.tolist())
    given = [score for row, score in scores.items() if row in inside]
    without = [score for row, score in scores.items() if row not in inside]
    return float(np.mean(given)), float(np.mean(without))
