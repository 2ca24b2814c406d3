"""Modules and functions stay small enough to read in one sitting."""

from __future__ import annotations

import ast

from _tree import ROOT, dotted, modules, tree

MODULE_LINES = 300
FUNCTION_LINES = 50


def test_no_module_passes_300_lines() -> None:
    long = [
        dotted(path)
        for path in modules()
        if len(path.read_text(encoding="utf-8").splitlines()) > MODULE_LINES
    ]
    assert not long


def test_no_function_passes_50_lines_of_code() -> None:
    long = []
    for path in modules():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = (
                    node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
                )
                if (node.end_lineno or 0) - first.lineno + 1 > FUNCTION_LINES:
                    long.append(f"{dotted(path)}.{node.name}")
    assert not long


def test_pyproject_holds_the_only_dependency_list() -> None:
    others = [
        path.name
        for pattern in ("requirements*.txt", "setup.py", "setup.cfg", "environment*.yml", "Pipfile")
        for path in ROOT.glob(pattern)
    ]
    assert not others
