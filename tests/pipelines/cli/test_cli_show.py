"""Figures and tables on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pipelines.cli.show import difference, figure, grid


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0, "0"),
        (1, "1"),
        (0.016666, "0.0167"),
        (1 / 600, "0.00167"),
        (999.5, "1,000"),
        (1234567.8, "1,234,568"),
        (-4.2426, "-4.24"),
        (100.0, "100"),
        (float("inf"), "inf"),
    ],
)
def test_figures_keep_three_digits(value: float, text: str) -> None:
    assert figure(value) == text


def test_differences_name_tables_and_missing_keys() -> None:
    one = {"tables": [{"table": "visits", "cap": 4}, {"table": "panel"}], "issue": 0}
    other = {"tables": [{"table": "visits", "cap": 5}], "issue": 0}
    assert difference(one, other) == [
        {"key": "tables.visits.cap", "this": 4, "other": 5},
        {"key": "tables.panel.table", "this": "panel", "other": "(not given)"},
    ]
    assert difference(one, one) == []


def test_a_table_keeps_a_long_title_on_one_line() -> None:
    out = io.StringIO()
    title = "A title that is much longer than the table below it"
    grid(Console(file=out, width=80), title, columns=("a", "b"), rows=[("x", "1"), ("y", "22")])
    lines = out.getvalue().splitlines()
    assert lines[0] == title
    assert [line.split() for line in lines if line.split()[:1] in (["x"], ["y"])] == [
        ["x", "1"],
        ["y", "22"],
    ]
