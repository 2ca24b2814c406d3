"""CSV files whose bytes depend on their rows alone: UTF-8, line feeds, NA for what is missing."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from pipelines.exports._export import NA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


def number(value: Any) -> str:
    """Return a number as the shortest text that reads back to it; NA where it is missing.

    >>> number(3.0), number(0.1), number(float("nan")), number(None), number(-0.5)
    ('3', '0.1', 'NA', 'NA', '-0.5')
    """
    if value is None or value != value:  # noqa: PLR0124  only NaN differs from itself
        return NA
    return repr(float(value)).removesuffix(".0")


def numbers(values: Iterable[Any]) -> list[str]:
    """Return ``number`` of each value."""
    return [number(value) for value in values]


def write_csv(path: Path, columns: Mapping[str, Sequence[str]]) -> None:
    """Write columns of text under a header line."""
    write_lines(path, [list(columns), *zip(*columns.values(), strict=True)])


def write_lines(path: Path, lines: Iterable[Sequence[str]]) -> None:
    """Write lines of text cells."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
