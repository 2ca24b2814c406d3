"""Names and texts inside SQL: the one place where anything a user wrote is quoted."""

from __future__ import annotations


def identifier(name: str) -> str:
    """Return a column or relation name as SQL, whatever letters it has.

    >>> print(identifier('a "b" c'))
    "a ""b"" c"
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
