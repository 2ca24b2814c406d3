"""Reading TOML from a file, with a line and a column for what cannot be read."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from pipelines.errors import SpecError
from pipelines.spec.text import read_text

_AT = re.compile(r"^(?P<what>.*) \(at (?P<where>.*)\)$", re.DOTALL)
_HINTS = {
    "Unescaped '\\'": "Write a Windows path in single quotes: 'C:\\data'.",
    "Invalid hex value": "Write a Windows path in single quotes: 'C:\\data'.",
    "Invalid value": 'Write text in quotes: title = "My city"; true and false in small letters.',
    "Invalid date": "Write a date that exists, such as 2026-03-02.",
    "Cannot overwrite": "Each key is written once; a further table entry starts with [[tables]].",
    "Cannot declare": "Each section is written once; [[tables]] and [[sources]] repeat.",
    "Expected '='": 'Write key = value, such as cap = 4, one on a line; spaces in a key need "".',
    "Expected newline": (
        "Write one key = value on a line; text and fractions need quotes; a date is 2026-03-02."
    ),
    "Illegal character": "End the text with the quote that it starts with, on the same line.",
    "Unterminated": "End the text with the quote that it starts with.",
    "Invalid initial character": "Keep what stands in braces { } on one line.",
    "Expected ']": "Close the bracket that was opened.",
    'Expected "\'"': "End the text with the quote that it starts with.",
    "Unclosed": "Close the bracket or brace that was opened.",
}


def read_toml(path: Path, *, missing: str) -> dict[str, Any]:
    """Return the document in ``path``.

    Args:
        path: The file.
        missing: What to do when it is not there, in one sentence.

    Raises:
        SpecError: the file is absent, is not UTF-8 text, or is not TOML (with line and column).
    """
    text = read_text(path, what="a TOML file", largest_mb=1, fix=missing)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise SpecError(_syntax(path, text, str(fault))) from None
    except RecursionError:
        raise SpecError(
            f"{path}: lists or tables are nested too deeply. Write less depth."
        ) from None
    except ValueError:
        raise SpecError(f"{path}: a number is too long to be read. Write a smaller one.") from None


def to_json(data: Any) -> str:
    """Return a TOML value as JSON; dates and times become ISO text."""
    return json.dumps(data, default=str)


def _syntax(path: Path, text: str, message: str) -> str:
    found = _AT.match(message)
    what, where = (found["what"], found["where"]) if found else (message, "unknown line")
    if where == "end of document":
        lines = text.rstrip("\n").split("\n")
        where = f"line {len(lines)}, column {len(lines[-1]) + 1}"
    hint = next((fix for start, fix in _HINTS.items() if what.startswith(start)), "")
    return f"{path}, {where}: this is not TOML: {what}. {hint}".rstrip()
