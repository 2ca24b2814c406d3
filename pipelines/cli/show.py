"""How figures and tables look on a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

_DIGITS = 3
_MISSING = "(not given)"


def grid(title: str, *columns: tuple[str, str]) -> Table:
    """Return an empty table with a title; columns are (heading, "left" or "right")."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for heading, side in columns:
        table.add_column(heading, justify="right" if side == "right" else "left")
    return table


def figure(value: float) -> str:
    """Return a number with three digits that matter, and thousands apart.

    >>> figure(0.016666), figure(4.2426), figure(1234.5), figure(24.0)
    ('0.0167', '4.24', '1,234', '24')
    """
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    places = max(0, _DIGITS - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def difference(one: dict[str, Any], other: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the keys whose values differ between two nested mappings, in order.

    Entries of lists of tables are named by their table.

    >>> difference({"a": {"b": 1}, "tables": [{"table": "visits", "cap": 4}]},
    ...            {"a": {"b": 2}, "tables": [{"table": "visits", "cap": 4}]})
    [{'key': 'a.b', 'this': 1, 'other': 2}]
    """
    left, right = _flat(one), _flat(other)
    return [
        {"key": key, "this": left.get(key, _MISSING), "other": right.get(key, _MISSING)}
        for key in dict.fromkeys([*left, *right])
        if left.get(key, _MISSING) != right.get(key, _MISSING)
    ]


def _flat(value: Any, place: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = {_named(i, item): item for i, item in enumerate(value)}.items()
    else:
        return {place: value}
    found: dict[str, Any] = {}
    for name, item in parts:
        found |= _flat(item, f"{place}.{name}" if place else str(name))
    return found


def _named(i: int, item: Any) -> str:
    return str(item["table"]) if isinstance(item, dict) and "table" in item else str(i)
