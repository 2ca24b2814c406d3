"""Dates in SQL: numbers that almost every date shares, and what sets persons' dates apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.schemas.calendar import Calendar


def by_date(values: Sequence[int]) -> str:
    """Return SQL for the value of a row's date ``d``, of values in the order of the dates.

    >>> by_date([9, 9, 9]), by_date([9, 8, 9])
    ('9', '(CASE WHEN d = 1 THEN 8 ELSE 9 END)')
    """
    usual = Counter(values).most_common(1)[0][0]
    others = "".join(f"WHEN d = {d} THEN {v} " for d, v in enumerate(values) if v != usual)
    return f"(CASE {others}ELSE {usual} END)" if others else str(usual)


@dataclass(frozen=True, slots=True)
class Dated:
    """How statements hold dates apart: where there is one alone, none is sorted or carried along.

    Attributes:
        many: Whether there are several dates.
    """

    many: bool

    @classmethod
    def of(cls, calendar: Calendar) -> Dated:
        """Return what suits a calendar."""
        return cls(len(calendar.dates) > 1)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that set one person's date apart. The person comes first: engines sort by it."""
        return ("person", "d") if self.many else ("person",)

    @property
    def own(self) -> str:
        """SQL of these columns."""
        return ", ".join(self.columns)

    @property
    def d(self) -> str:
        """SQL for the number of the date, in a row that has the columns ``own``."""
        return "d" if self.many else "CAST(0 AS INTEGER) AS d"
