"""The README's commands are the ones that are tried."""

from __future__ import annotations

from _tree import ROOT

SETUP = "python3 -m venv .venv && .venv/bin/pip install -q"
DEMO = f"{SETUP} . && .venv/bin/murmuration demo"
TEST = f'{SETUP} -e ".[dev]" && .venv/bin/python -m pytest -n auto --dist loadfile'


def test_readme_gives_both_commands_on_one_line_each() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert DEMO in lines
    assert TEST in lines


def test_ci_runs_the_readme_test_command() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert TEST in lines
