"""The one declaration of an export format. Help, README and refusals derive from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.exports._source import Source

NA = "NA"
"""How a missing number is written in every CSV file of an export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A format that other software reads: one file in ``pipelines/exports``, one declaration.

    Attributes:
        name: As written after ``--to``.
        summary: Who reads it and what it holds, in one sentence.
        needs: What the release must offer, in words.
        writes: The files and what each is.
        orientation: What rows and columns are.
        units: What a number counts.
        missing: How a missing value and a 0 are told apart, beyond the rule for all formats.
        read: Lines of code that read it back.
        write: Fills an empty folder from a release; returns remarks for the README.
        nonnegative: Whether the reader cannot take negative numbers, so that numbers come from
            ``for_models/``, or with consent are clipped.
        source: Where the format is documented.
    """

    name: str
    summary: str
    needs: str
    writes: dict[str, str]
    orientation: str
    units: str
    missing: str
    read: str
    write: Callable[[Source, Path], list[str]]
    nonnegative: bool = False
    source: str = ""
