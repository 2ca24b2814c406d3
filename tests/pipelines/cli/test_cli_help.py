"""Help is quick, complete, and shows an example of every command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli.app import app

COMMANDS = (
    "init",
    "demo",
    "plan",
    "release",
    "report",
    "export",
    "budget",
    "verify",
    "audit",
    "status",
    "clean",
    "schema",
    "ledger create",
    "ledger amend",
    "ledger adopt",
    "ledger void",
)
HEAVY = ("numpy", "pandas", "duckdb", "pydantic", "geopandas", "opendp", "scipy", "pyarrow")


def test_every_command_is_listed(run: Any) -> None:
    top, group = run("--help"), run("ledger", "--help")
    for command in COMMANDS:
        assert command.split()[-1] in (group if " " in command else top)
    registered = {c.name for c in app.registered_commands} | {"ledger"}
    assert registered == {command.split()[0] for command in COMMANDS}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(run: Any, command: str) -> None:
    text = run(*command.split(), "--help")
    assert "Example" in text
    assert f"murmuration {command}" in " ".join(text.split())


@pytest.mark.parametrize("command", ["plan", "budget", "verify", "audit", "status"])
def test_commands_that_scripts_read_offer_json(run: Any, command: str) -> None:
    assert "--json" in run(command, "--help")


def test_help_says_what_exit_codes_mean(run: Any) -> None:
    text = " ".join(run("--help").split())
    for code in ("0 done", "2 spec", "4 budget refused", "5 ledger", "7 verification failed"):
        assert code in text


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, pipelines.cli.app\n"
        f"sys.exit(', '.join(sorted({set(HEAVY)} & sys.modules.keys())) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_version_is_the_distributions(run: Any) -> None:
    from importlib.metadata import version

    assert run("--version") == f"murmuration {version('murmuration-mobility')}\n"


def test_no_words_show_the_help(run: Any) -> None:
    assert "Usage" in run(code=2)


def test_a_misspelt_command_is_a_line_and_code_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli.app", "plam"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONWARNINGS": "default"},
    )
    assert done.returncode == 2
    assert "plam" in done.stderr
    assert "Traceback" not in done.stderr
