"""A finding: what one attack achieved, the bound that it must respect, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["holds", "broken", "inconclusive"]
Rows = Sequence[Mapping[str, float | str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A measured number with its error.

    Attributes:
        value: The estimate.
        lo, hi: A confidence interval (its confidence is the finding's); either may be infinite.
        se: Standard error; NaN where only the interval is known.
    """

    value: float
    lo: float = -math.inf
    hi: float = math.inf
    se: float = math.nan

    def as_dict(self) -> dict[str, float | None]:
        """Return it as JSON values; what is not finite is None."""
        return {
            name: round(number, 6) if math.isfinite(number) else None
            for name, number in (
                ("value", self.value),
                ("lo", self.lo),
                ("hi", self.hi),
                ("se", self.se),
            )
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one attack achieved. Its meaning never changes; pages and files only read it.

    Attributes:
        name: Short and unique in its audit: "one date", "group of 100, a week".
        tried: What was tried, in one sentence.
        figure: What the numbers are: "epsilon", "AUC", "true positives at 1% false positives".
        with_person: The figure where the person's records were used.
        without_person: The same where they were left out; None where the figure compares the two.
        bound: What ``with_person`` may come to at most; None where nothing is promised.
        bound_of: Where the bound comes from, in words.
        confidence: Confidence of the intervals.
        verdict: "broken" is said with more confidence than that of the intervals; "inconclusive"
            where only the intervals pass the bound.
        control: Whether this is a negative control, which a good audit shows to be broken.
        notes: Further remarks, a sentence each.
        figures: Further numbers by name.
        rows: Points for a plot, as plain rows; every row has the same names.
    """

    name: str
    tried: str
    figure: str
    with_person: Measured
    bound: float | None
    bound_of: str
    confidence: float
    verdict: Verdict
    without_person: Measured | None = None
    control: bool = False
    notes: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    rows: Rows = field(default=(), repr=False)

    @property
    def alarming(self) -> bool:
        """Whether a promise is broken: a control that is broken is as it should be."""
        return self.verdict == "broken" and not self.control

    @property
    def blind(self) -> bool:
        """Whether a control went unseen: the audit then shows nothing about the promise either."""
        return self.control and self.verdict != "broken"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        outside = self.without_person
        return {
            "name": self.name,
            "tried": self.tried,
            "figure": self.figure,
            "with_person": self.with_person.as_dict(),
            "without_person": None if outside is None else outside.as_dict(),
            "bound": None if self.bound is None else round(self.bound, 6),
            "bound_of": self.bound_of,
            "confidence": self.confidence,
            "control": self.control,
            "verdict": self.verdict,
            "notes": list(self.notes),
            "figures": {name: _plain(value) for name, value in self.figures.items()},
            "rows": [dict(row) for row in self.rows],
        }


def verdict_of(measured: Measured, bound: float, *, alarm: float = 3.3) -> Verdict:
    """Return whether an estimate with a standard error respects its bound.

    "broken" where it passes the bound by ``alarm`` standard errors (3.3: once in two thousand by
    chance), "holds" where it passes it by one at most, else "inconclusive": more runs would tell.
    """
    if measured.value > bound + alarm * measured.se:
        return "broken"
    return "holds" if measured.value <= bound + measured.se else "inconclusive"


def _plain(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None
