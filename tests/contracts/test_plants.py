"""The table of planted bugs names tests that exist, and every test that plants a bug is in it."""

from __future__ import annotations

import ast
import re

import pytest
from _tree import ROOT

TEXT = (ROOT / "tests" / "laws" / "README.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))
FILES = sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", TEXT)))
REQUIRED = (
    "a rank among others",
    "an unclipped level",
    "sampling that keeps multiplicity",
    "a pair charged to one member",
    "keys from the data",
    "a grid laid over the data",
    "a status from row counts",
    "a stop on bad rows",
    "noise before the ledger",
    "redraw after a failed derive",
    "a bucket summed twice",
    "one person counted in two sources",
    "duplicates removed across persons",
    "a spec that raises the cap",
    "a restored ledger",
)


def _tests(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("bug", REQUIRED)
def test_every_bug_that_must_be_caught_has_its_test(bug: str) -> None:
    assert f"\n| {bug} | `tests/" in TEXT


def test_the_tests_that_are_named_exist() -> None:
    assert len(NAMED) >= len(REQUIRED)
    assert [name for file, name in NAMED if name not in _tests(file)] == []
    assert [file for file in FILES if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize(
    "file",
    ["tests/laws/test_laws_road_planted.py", "tests/pipelines/release/test_release_planted.py"],
)
def test_every_test_that_plants_a_bug_is_in_the_table(file: str) -> None:
    planted = {name for name in _tests(file) if name.endswith("_caught")}
    assert planted == {name for there, name in NAMED if there == file}
