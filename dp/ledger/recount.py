"""The ledger added up a second time, the slow way, sharing no sums with ``state`` or ``window``.

Every charge is added to every window that meets it, one window after the other, and after each
charge the windows it met are compared with the cap that was in force.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from dp.ledger.entries import Entry

Days = frozenset[int]
_SERIES = 0  # without a window length every charge meets this one window


class Recount:
    """Windows and what they meet, by the ordinal of their first date.

    Attributes:
        rho: Sum of rho per window.
        delta: Sum of delta per window.
        findings: Windows that passed their cap when something was charged.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.rho: dict[int, Fraction] = defaultdict(Fraction)
        self.delta: dict[int, Fraction] = defaultdict(Fraction)
        self.findings: list[str] = []
        self._policy: dict[str, Any] = {}
        self._spans: dict[str, list[int]] = {}
        self._charges: dict[str, tuple[Days, Fraction, Fraction]] = {}
        self._times: Counter[str] = Counter()
        for entry in entries:
            self._take(entry.kind, json.loads(entry.payload), entry.seq)

    @property
    def worst(self) -> tuple[Fraction, Fraction]:
        """The largest rho and the largest delta of any window."""
        return max(self.rho.values(), default=Fraction(0)), max(
            self.delta.values(), default=Fraction(0)
        )

    def _take(self, kind: str, plain: dict[str, Any], seq: int) -> None:
        if kind == "created":
            self._policy = plain["policy"]
        elif kind == "reserved":
            self._spans |= plain["spans"]
            for charge in plain["charges"]:
                days = frozenset(day for text in charge["reads"] for day in _days(text))
                self._charges[charge["key"]] = (
                    days,
                    Fraction(charge["rho"]),
                    Fraction(charge["delta"]),
                )
            self._book([charge["key"] for charge in plain["charges"]], seq=seq)
        elif kind == "draw_started" and plain["attempt"] > 1:
            self._book([plain["key"]], seq=seq)
        elif kind == "voided":
            self._times[plain["key"]] -= 1
            self._add({plain["key"]: -1})
        elif kind == "amended":
            self._amend(plain)

    def _book(self, keys: list[str], *, seq: int) -> None:
        self._times.update(keys)
        met = self._add(Counter(keys))
        cap_rho, cap_delta = Fraction(self._policy["cap_rho"]), Fraction(self._policy["cap_delta"])
        over = [w for w in met if self.rho[w] > cap_rho or self.delta[w] > cap_delta]
        if over:
            self.findings.append(f"entry {seq} charges {len(over)} windows beyond their cap")

    def _add(self, times: Mapping[str, int]) -> set[int]:
        """Add charges so many times each to the windows that meet them; return those windows."""
        sums: dict[Days, tuple[Fraction, Fraction]] = {}
        for key, count in times.items():
            days, rho, delta = self._charges[key]
            before = sums.get(days, (Fraction(0), Fraction(0)))
            sums[days] = (before[0] + rho * count, before[1] + delta * count)
        length = self._policy["window_days"]
        met: set[int] = set()
        for days, (rho, delta) in sums.items():
            around = {_SERIES} if length is None else {d - k for d in days for k in range(length)}
            for window in around:
                self.rho[window] += rho
                self.delta[window] += delta
            met |= around
        return met

    def _amend(self, plain: dict[str, Any]) -> None:
        moved = {day: span for day, span in plain["spans"].items() if span != self._spans[day]}
        more: dict[int, set[int]] = defaultdict(set)
        for text, (start_s, end_s) in moved.items():
            (day,) = _days(text)
            if start_s > self._spans[text][0]:
                more[day].add(day - 1)
            if end_s < self._spans[text][1]:
                more[day].add(day + 1)
        ids = "ids_per_person_per_date"
        ratio = Fraction(plain["policy"][ids] or 1, self._policy[ids] or 1) ** 2
        self._charges = {
            key: (days.union(*(more[d] for d in days if d in more)), rho * ratio, delta)
            for key, (days, rho, delta) in self._charges.items()
        }
        self._spans |= moved
        self._policy = plain["policy"]
        self.rho.clear()
        self.delta.clear()
        self._add(self._times)


def _days(text: str) -> range:
    first, _, last = text.partition("/")
    start = dt.date.fromisoformat(first).toordinal()
    return range(start, (dt.date.fromisoformat(last).toordinal() if last else start) + 1)
