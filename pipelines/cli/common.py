"""What commands share: arguments, consoles, and loading a spec."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.guard import private_work

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.spec import ReleaseSpec

WIDTH = 100
SPEC = Path("release.toml")
SpecArgument = Annotated[Path, typer.Argument(metavar="SPEC", help="A release spec.")]
LedgerArgument = Annotated[Path, typer.Argument(metavar="LEDGER", help="A ledger file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def load(path: Path, *, check_data: bool = True) -> ReleaseSpec:
    """Return a spec; from here on a traceback may be kept in its private work folder."""
    from pipelines.spec import load_spec

    spec = load_spec(path, check_data=check_data)
    private_work(spec.release.work)
    return spec


def console() -> Console:
    """Return a console on standard output: as wide as the terminal, or 100 columns in a file."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else WIDTH
    return Console(width=width, highlight=False, emoji=False)


def print_json(value: Any) -> None:
    """Print JSON values as readable text in ASCII, which every console can show."""
    typer.echo(json.dumps(value, indent=2))


def plain(text: str) -> str:
    """Return text for a console to print as it is: what is in brackets is no style."""
    from rich.markup import escape

    return escape(text)


def shown_path(path: Path) -> str:
    """Return a path as a console prints it (``path_text``)."""
    return plain(path_text(path))


def path_text(path: Path) -> str:
    """Return a path from the current folder where that is shorter, quoted where it has spaces."""
    try:
        text = str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        text = str(path)
    return f'"{text}"' if " " in text else text
