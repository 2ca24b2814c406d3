from __future__ import annotations

import csv
import io

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ingest.lines import LINE, fields_sql

Row = tuple[str, ...] | None
TEXT = st.text(st.characters(exclude_characters="\r\n\x00", exclude_categories=["Cs"]), max_size=8)


def _cut(lines: list[str], *, fields: int, delimiter: str = ",", marked: bool = False) -> list[Row]:
    """Return the fields of each line, None for a malformed one."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(f"CREATE TABLE given ({LINE} VARCHAR)")
        con.executemany("INSERT INTO given VALUES (?)", [[line] for line in lines])
        sql = fields_sql("given", fields=fields, delimiter=delimiter, marked=marked)
        found = con.execute(sql).fetchall()
    return [None if row[-1] else tuple(row[:-1]) for row in found]


@given(
    rows=st.lists(st.lists(TEXT, min_size=3, max_size=3), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@settings(max_examples=60, deadline=None)
def test_what_a_csv_writer_writes_is_read_back(
    rows: list[list[str]], delimiter: str, quoting: int
) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)
    lines = out.getvalue().removesuffix("\n").split("\n")
    assert _cut(lines, fields=3, delimiter=delimiter) == [tuple(row) for row in rows]


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ('a,"b,c"', ("a", "b,c")),
        ('a,"b""c"', ("a", 'b"c')),
        ('a,b"c', ("a", 'b"c')),
        ('"",', ("", "")),
        (",", ("", "")),
        ("a", None),
        ("a,b,c", None),
        ('a,"b', None),
        ('a,"b"c', None),
        ('"a,b', None),
        ('a","b"', ('a"', "b")),
        (" ", None),
    ],
)
def test_each_line_is_judged_by_itself(line: str, row: Row) -> None:
    assert _cut(["x,y", line, "z,w"], fields=2) == [("x", "y"), row, ("z", "w")]


def test_empty_lines_are_no_records() -> None:
    assert _cut(["", "a,b", ""], fields=2) == [("a", "b")]
    assert _cut(["", "a", ""], fields=1) == [("a",)]


def test_the_mark_of_utf_8_is_taken_off_where_one_may_be() -> None:
    assert _cut(["\ufeffa,b", 'x,"\ufeff"'], fields=2, marked=True) == [("a", "b"), ("x", "\ufeff")]
    assert _cut(["\ufeffa,b"], fields=2) == [("\ufeffa", "b")]
