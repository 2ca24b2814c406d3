"""Lines of CSV files cut into fields: a line's end always ends a record.

A reader that lets quoted text run over lines makes one open quote swallow the lines after it: one
person's record would decide whether other persons' records are read at all, and no contribution
bound would hold. Here a quote that is open at the end of its line spoils that line alone.

Engines hand over whole lines, by a reader that knows no quotes and splits at CR, LF and CR LF.
"""

from __future__ import annotations

from pipelines.ingest.quoting import literal

LINE = "line"
"""Name of the column that holds a line."""
SEPARATOR = "\x1f\x1e\x1f\x1e"
"""A delimiter for that reader: it stands in no line of text, so that a line is one column."""
MALFORMED = "raw_malformed"
"""Name of the mark of a line that has other fields than the header."""
_QUOTE = '"'
_MARK = literal("\N{ZERO WIDTH NO-BREAK SPACE}")


def fields_sql(
    lines: str, *, fields: int, delimiter: str, marked: bool = False, broken: str = "FALSE"
) -> str:
    """Return a SELECT of the fields of every line that is not empty.

    Columns: ``c0``, ``c1``, ... (text, "" for an empty field; all NULL where the line is
    malformed) and ``MALFORMED`` (BOOLEAN). Quotes around a field are taken off, and two quotes
    inside them are one; quotes inside a field that begins without one are letters.

    Args:
        lines: Relation with the column ``LINE``.
        fields: How many fields a line has.
        delimiter: One letter.
        marked: Whether a line may begin with the mark of UTF-8 that some programs write.
        broken: SQL over ``lines`` that is true for further malformed lines.
    """
    line = LINE
    if marked:
        line = f"CASE WHEN SUBSTR({LINE}, 1, 1) = {_MARK} THEN SUBSTR({LINE}, 2) ELSE {LINE} END"
    columns = ", ".join(f"{_unquoted(f'parts[{i + 1}]')} AS c{i}" for i in range(fields))
    whole = f"SELECT {line} AS whole, {broken} AS broken FROM {lines}"
    parts = _parts("whole", delimiter)
    cut = f"SELECT CASE WHEN NOT broken THEN {parts} END AS parts FROM ({whole}) AS l"
    return (
        f"SELECT {columns}, parts IS NULL AS {MALFORMED} FROM ("
        f"SELECT CASE WHEN ARRAY_LENGTH(parts) = {fields} THEN parts END AS parts "
        f"FROM ({cut} WHERE whole <> '') AS c) AS f"
    )


def _parts(line: str, delimiter: str) -> str:
    mark = literal(delimiter)
    field = f'"[^"]*(?:""[^"]*)*"|[^"{delimiter}][^{delimiter}]*|'
    sound = literal(rf"\A(?:{field})(?:[{delimiter}](?:{field}))*\z")
    each = literal(f"({field})[{delimiter}]")
    return (
        f"CASE WHEN STRPOS({line}, '{_QUOTE}') = 0 THEN STRING_SPLIT({line}, {mark}) "
        f"WHEN REGEXP_MATCHES({line}, {sound}) "
        f"THEN REGEXP_EXTRACT_ALL({line} || {mark}, {each}, 1) END"
    )


def _unquoted(field: str) -> str:
    inner = f"SUBSTR({field}, 2, LENGTH({field}) - 2)"
    return (
        f"CASE WHEN SUBSTR({field}, 1, 1) = '{_QUOTE}' "
        f"THEN REPLACE({inner}, '{_QUOTE * 2}', '{_QUOTE}') ELSE {field} END"
    )
