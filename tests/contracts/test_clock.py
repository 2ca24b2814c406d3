"""Nothing that is charged, drawn or written depends on the wall clock: it may stand or go back."""

from __future__ import annotations

import ast
import re

import pytest
from _tree import dotted, modules, tree

WALL = re.compile(
    r"(?:\b(?:dt\.)?(?:datetime|date)\.(?:now|utcnow|today)|\btime\.(?:time|time_ns|ctime|localtime"
    r"|gmtime|strftime)|\bgetmtime)\b"
)


def _clocks(node: ast.AST) -> list[str]:
    """Return what in a module reads the wall clock."""
    parts = (ast.unparse(one) for one in ast.walk(node) if isinstance(one, ast.Attribute))
    return [text for text in parts if WALL.search(text)]


def test_no_module_reads_the_wall_clock() -> None:
    assert {dotted(path): found for path in modules() if (found := _clocks(tree(path)))} == {}


@pytest.mark.parametrize(
    "line", ["dt.datetime.now()", "date.today()", "time.time()", "os.path.getmtime(x)"]
)
def test_a_clock_would_be_found(line: str) -> None:
    assert _clocks(ast.parse(line))


@pytest.mark.parametrize("line", ["time.monotonic()", "moment.time()", "dt.datetime.combine(a, b)"])
def test_what_is_no_wall_clock_is_left_alone(line: str) -> None:
    assert _clocks(ast.parse(line)) == []
