"""Types of spec fields. A wrong value raises ValueError with a sentence that follows the name."""

from __future__ import annotations

import datetime as dt
import glob
import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
)

from dp.loss import exact

_NUMBER = re.compile(r"\d{1,18}(/\d{1,18}|\.\d{1,18})?(e-?\d{1,2})?", re.ASCII | re.IGNORECASE)
_LARGEST = 10**18
_MASTER = re.compile(
    r"local(\[(\d+|\*)(,\d+)?\])?|local-cluster\[\d+,\d+,\d+\]|spark://\S+:\d+|yarn|k8s://\S+"
)
_SHOWN = 60
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_NOT_ZONES = frozenset({"localtime", "Factory", "posixrules"})


def nearest(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean ...?" for the known word that is nearest, or "" when none is near."""
    by_folded = {_folded(name): name for name in known}
    found = get_close_matches(_folded(word), by_folded, n=1, cutoff=0.6)
    return f' Did you mean "{by_folded[found[0]]}"?' if found else ""


def _folded(word: str) -> str:
    """Return a word in one case with its parts sorted: rho_cap is near to cap_rho."""
    return "_".join(sorted(word.casefold().split("_")))


def exact_text(value: Any) -> Fraction:
    """Return an exact number; refuse floats and numbers too long to be meant.

    Raises:
        ValueError: a float (the message says the fraction to write), or text that is no number.
    """
    if isinstance(value, float):
        near = Fraction(value).limit_denominator(10**9) if abs(value) < _LARGEST else None
        raise ValueError(  # noqa: TRY004  pydantic collects ValueError alone
            f"must be exact, got the rounded number {value!r}."
            + (f' Write "{near}" in quotes.' if near else ' Write it as text, such as "1/2".')
        )
    whole = isinstance(value, int) and not isinstance(value, bool)
    if (whole and 0 <= value <= _LARGEST) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        try:
            return exact(value, name="number")
        except ValueError:
            pass
    raise ValueError(
        f'must be an exact number of 0 or more, got {said(value)}. Write it as "1/2" or "0.05".'
    )


def said(value: Any) -> str:
    """Return a value as it would stand in TOML, shortened when long."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, dict):
        text = "{ " + ", ".join(f"{k} = {said(v)}" for k, v in list(value.items())[:4]) + " }"
    elif isinstance(value, list):
        text = "[" + ", ".join(said(v) for v in value[:4]) + (", ...]" if value[4:] else "]")
    else:
        text = str(value)
    text = "".join(letter if letter.isprintable() else "?" for letter in text[: _SHOWN + 1])
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - _NOT_ZONES)


def _time_zone(name: str) -> str:
    known = _zones()
    if name in known:
        return name
    hint = nearest(name, known) or ' Write one such as "Asia/Seoul".'
    raise ValueError(f"must be an IANA time zone, got {said(name)}.{hint}")


def _clock(text: str) -> str:
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)(:00)?", text, re.ASCII)
    if not found:
        raise ValueError(f'must be a time of day in quotes, got {said(text)}. Write "04:00".')
    return text[:5]


def _sensible(date: dt.date) -> dt.date:
    if not _FIRST_YEAR <= date.year <= _LAST_YEAR:
        raise ValueError(
            f"must lie between the years {_FIRST_YEAR} and {_LAST_YEAR}, got {date}. "
            "Write a date such as 2026-03-02."
        )
    return date


def _line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError(f"must be one line of text, got {said(text)}. Write some words in quotes.")
    return text.strip()


def master_url(text: str) -> str:
    """Return the URL of a Spark master; ValueError for anything else."""
    if not _MASTER.fullmatch(text):
        raise ValueError(
            f'must be the URL of a Spark master, got {said(text)}. Write "local[2]", '
            '"spark://host:7077", "yarn" or "k8s://https://host:443".'
        )
    return text


def _base(path: Any, info: ValidationInfo) -> Path:
    if not isinstance(path, str) or not path.strip() or not path.isprintable():
        raise ValueError(f"must name a file or folder, got {said(path)}. Write a path in quotes.")
    base: Path = (info.context or {}).get("base", Path())
    return base / os.path.expanduser(path)  # noqa: PTH111  Path.expanduser raises for unknown users


def _anywhere(path: Any, info: ValidationInfo) -> Path:
    return _base(path, info)


def _public_file(path: Any, info: ValidationInfo) -> Path:
    full = _base(path, info)
    if os.path.isfile(full):  # noqa: PTH113  Path.is_file raises for names too long
        return full
    beside = os.listdir(full.parent) if os.path.isdir(full.parent) else []  # noqa: PTH112, PTH208
    hint = nearest(full.name, beside) or " Write the path from the spec's own folder."
    raise ValueError(f"does not exist: {said(path)}.{hint}")


def _private_file(path: Any, info: ValidationInfo) -> Path:
    full = _base(path, info)
    if not os.path.isfile(full) and _checks_data(info):  # noqa: PTH113
        raise ValueError(
            f"does not exist: {said(path)}. Write the path from the spec's own folder."
        )
    return full


def _data(path: Any, info: ValidationInfo) -> Path:
    full = _base(path, info)
    if os.path.exists(full) or not _checks_data(info):  # noqa: PTH110
        return full
    if next(glob.iglob(str(full), recursive=True), None) is None:  # noqa: PTH207
        raise ValueError(
            f"finds no file: {said(path)}. Write a file, a folder or a pattern such as "
            '"pings/*.parquet", from the spec\'s own folder.'
        )
    return full


def _checks_data(info: ValidationInfo) -> bool:
    return bool((info.context or {}).get("check_data", True))


_PATH_SCHEMA = {"type": "string", "minLength": 1}

Exact = Annotated[Fraction, BeforeValidator(exact_text)]
Line = Annotated[str, Field(max_length=200), AfterValidator(_line)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Master = Annotated[str, AfterValidator(master_url)]
Clock = Annotated[str, AfterValidator(_clock)]
Day = Annotated[dt.date, AfterValidator(_sensible)]
NewPath = Annotated[Path, PlainValidator(_anywhere), WithJsonSchema(_PATH_SCHEMA)]
PublicFile = Annotated[Path, PlainValidator(_public_file), WithJsonSchema(_PATH_SCHEMA)]
PrivateFile = Annotated[Path, PlainValidator(_private_file), WithJsonSchema(_PATH_SCHEMA)]
DataPath = Annotated[Path, PlainValidator(_data), WithJsonSchema(_PATH_SCHEMA)]
