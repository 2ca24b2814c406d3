"""How figures and tables look on a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

_DIGITS = 3
_MISSING = "(not given)"


def grid(
    out: Console,
    title: str,
    *,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    left: int = 1,
) -> None:
    """Print a titled table; the first ``left`` columns stand left, the others right."""
    from rich import box
    from rich.padding import Padding
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for i, heading in enumerate(columns):
        table.add_column(heading, justify="left" if i < left else "right")
    for row in rows:
        table.add_row(*row)
    out.print(f"[bold]{title}[/]")
    out.print(Padding(table, (0, 0, 0, 1), expand=False))


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
