r"""Texts that are times: formats compiled to a regular expression and whole-number arithmetic.

Engines differ in what they accept as a time ("2026-02-30", "24:00", names of zones) and in whether
they heed an offset. A format compiled here is read by the same rules everywhere. Patterns end in
``\z``: to some engines ``$`` also means "before a last line's end".
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.ingest.quoting import literal

_OFFSET = r"[Zz]|[+-](?:0\d|1\d)(?::?[0-5]\d)?"
_DIRECTIVES = {
    "Y": ("year", r"\d{4}"),
    "y": ("year2", r"\d{2}"),
    "m": ("month", r"0?[1-9]|1[0-2]"),
    "b": ("name", "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"),
    "d": ("day", r"0?[1-9]|[12]\d|3[01]"),
    "H": ("hour", r"[01]?\d|2[0-3]"),
    "I": ("hour12", r"0?[1-9]|1[0-2]"),
    "p": ("half", "(?i:am|pm)"),
    "M": ("minute", r"[0-5]?\d"),
    "S": ("second", r"[0-5]?\d"),
    "f": ("fraction", r"\d{1,9}"),
    "z": ("offset", _OFFSET),
}
_SUPPORTED = " ".join(f"%{letter}" for letter in _DIRECTIVES)
_ESCAPED = set(r"\.^$*+?{}[]|()")
_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFormat:
    """A format of text times.

    Attributes:
        regex: Matches a whole text; one group for each part, in the order of ``parts``.
        parts: Names of the groups.
    """

    regex: str
    parts: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> TextFormat:
        """Return the format that a strptime text means.

        %z is read as Z, +09, +0900 or +09:00. Names of months are English. A second 60 and an
        hour 24 are no times.

        Raises:
            ValueError: an unknown directive, one twice, or a part of date or hour that is missing.
        """
        regex, parts = "", list[str]()
        letters = iter(text)
        for letter in letters:
            if letter != "%":
                regex += "\\" + letter if letter in _ESCAPED else letter
                continue
            directive = next(letters, "")
            if directive == "%":
                regex += "%"
                continue
            if directive not in _DIRECTIVES:
                raise ValueError(f"%{directive} is not known. Write with {_SUPPORTED} %%.")
            part, pattern = _DIRECTIVES[directive]
            regex += f"({pattern})"
            parts.append(part)
        _complete(parts)
        return cls(regex=regex, parts=tuple(parts))

    def part(self, name: str, column: str) -> str:
        """Return SQL for one part of a text that matches."""
        return f"REGEXP_EXTRACT({column}, {self.pattern}, {self.parts.index(name) + 1})"

    @property
    def pattern(self) -> str:
        """The regular expression as SQL, anchored at both ends."""
        return literal(rf"^(?:{self.regex})\z")

    def seconds(self, column: str) -> str:
        """Return SQL: whole local seconds since 1970-01-01T00:00, NULL for what is no time."""
        date = f"{self._year(column)} || '-' || {self._month(column)} || '-' || {self._day(column)}"
        terms = [
            _days(date),
            f"{self._hour(column)} * 3600",
            f"{self._number('minute', column)} * 60",
            self._number("second", column),
        ]
        return f"CASE WHEN REGEXP_MATCHES({column}, {self.pattern}) THEN {' + '.join(terms)} END"

    def offset(self, column: str) -> str | None:
        """Return SQL: seconds ahead of UTC, NULL where the text has none; None without %z."""
        if "offset" not in self.parts:
            return None
        return offset_seconds(self.part("offset", column))

    def _number(self, name: str, column: str) -> str:
        if name not in self.parts:
            return "0"
        return f"TRY_CAST({self.part(name, column)} AS BIGINT)"

    def _year(self, column: str) -> str:
        if "year" in self.parts:
            return self.part("year", column)
        two = self.part("year2", column)
        return f"(CASE WHEN {two} < '69' THEN '20' ELSE '19' END || {two})"

    def _month(self, column: str) -> str:
        if "month" in self.parts:
            return f"LPAD({self.part('month', column)}, 2, '0')"
        place = f"STRPOS('{_MONTHS}', LOWER({self.part('name', column)}))"
        return f"LPAD(CAST(({place} + 2) // 3 AS VARCHAR), 2, '0')"

    def _day(self, column: str) -> str:
        return f"LPAD({self.part('day', column)}, 2, '0')"

    def _hour(self, column: str) -> str:
        if "hour" in self.parts:
            return self._number("hour", column)
        half = f"CASE WHEN LOWER({self.part('half', column)}) = 'pm' THEN 12 ELSE 0 END"
        return f"({self._number('hour12', column)} % 12 + {half})"


ISO_REGEX = (
    r"^\d{4}-\d{2}-\d{2}[Tt ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?"
    rf" ?(?:{_OFFSET})?\z"
)


def iso_seconds(column: str) -> str:
    """Return SQL: whole local seconds of an ISO 8601 date and time, NULL for what is none.

    Fractions of a second are dropped. A date alone is no time.
    """
    second = f"CASE WHEN SUBSTR({column}, 17, 1) = ':' THEN {_at(column, 18)} ELSE 0 END"
    return (
        f"CASE WHEN REGEXP_MATCHES({column}, {literal(ISO_REGEX)}) "
        f"THEN {_days(f'SUBSTR({column}, 1, 10)')} + {_at(column, 12)} * 3600 "
        f"+ {_at(column, 15)} * 60 + {second} END"
    )


def iso_offset(column: str) -> str:
    """Return SQL: seconds ahead of UTC that an ISO time states, NULL where it states none."""
    pattern = literal(rf"({_OFFSET})\z")
    return offset_seconds(f"REGEXP_EXTRACT(SUBSTR({column}, 17), {pattern}, 1)")


def offset_seconds(text: str) -> str:
    """Return SQL for the seconds of an offset text: "Z", "+09", "+0900", "+09:00"; NULL for ""."""
    digits = f"REPLACE({text}, ':', '')"
    hours = f"TRY_CAST(SUBSTR({digits}, 2, 2) AS BIGINT)"
    minutes = f"COALESCE(TRY_CAST(NULLIF(SUBSTR({digits}, 4, 2), '') AS BIGINT), 0)"
    size = f"({hours} * 3600 + {minutes} * 60)"
    return (
        f"CASE WHEN {text} = '' THEN NULL WHEN {text} IN ('Z', 'z') THEN 0 "
        f"WHEN SUBSTR({text}, 1, 1) = '-' THEN -{size} ELSE {size} END"
    )


def _complete(parts: list[str]) -> None:
    twice = {part for part in parts if parts.count(part) > 1}
    if twice:
        raise ValueError(f"the {min(twice)} is written twice. Write each part once.")
    for choices in (("year", "year2"), ("month", "name"), ("day",), ("hour", "hour12")):
        if sum(choice in parts for choice in choices) != 1:
            raise ValueError(f"exactly one {choices[0]} is needed. Write with {_SUPPORTED} %%.")
    if ("hour12" in parts) != ("half" in parts):
        raise ValueError("%I and %p go together. Write both, or %H.")


def _days(date: str) -> str:
    return f"CAST(DATE_DIFF('day', DATE '1970-01-01', TRY_CAST({date} AS DATE)) AS BIGINT) * 86400"


def _at(column: str, place: int) -> str:
    return f"TRY_CAST(SUBSTR({column}, {place}, 2) AS BIGINT)"
