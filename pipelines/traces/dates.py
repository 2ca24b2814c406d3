"""A public number that almost every date shares, as SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def by_date(values: Sequence[int]) -> str:
    """Return SQL for the value of a row's date ``d``, of values in the order of the dates.

    >>> by_date([9, 9, 9]), by_date([9, 8, 9])
    ('9', '(CASE WHEN d = 1 THEN 8 ELSE 9 END)')
    """
    usual = Counter(values).most_common(1)[0][0]
    others = "".join(f"WHEN d = {d} THEN {v} " for d, v in enumerate(values) if v != usual)
    return f"(CASE {others}ELSE {usual} END)" if others else str(usual)
