"""``murmuration``: assembles the commands. Each lives in a file of its own and imports little."""

from __future__ import annotations

import resource
import sys
import warnings
from typing import Annotated

import typer

from pipelines.cli import (
    audit,
    budget,
    clean,
    demo,
    export,
    init,
    ledger,
    plan,
    release,
    report,
    schema,
    status,
    verify,
)
from pipelines.cli.guard import Guarded

_HELP = """Differentially private mobility aggregates, from raw location records.

New here? Run `murmuration demo`: it makes a synthetic city and a release of it.
"""
_CODES = (
    "Exit codes: 0 done, 1 a fault of the program, 2 spec, policy or command line, "
    "3 sources or zones, 4 budget refused, 5 ledger, 6 memory or disk, "
    "7 verification failed or an audit broke a bound, 130 interrupted."
)
_START, _WORK, _CHECK, _SET_UP = "Start", "Work", "Check", "Set up"

app = typer.Typer(
    name="murmuration",
    cls=Guarded,
    help=_HELP,
    epilog=_CODES,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
for name, command, panel in (
    ("demo", demo.demo, _START),
    ("init", init.init, _START),
    ("plan", plan.plan, _WORK),
    ("release", release.release, _WORK),
    ("status", status.status, _WORK),
    ("clean", clean.clean, _WORK),
    ("report", report.report, _WORK),
    ("export", export.export, _WORK),
    ("budget", budget.budget, _CHECK),
    ("verify", verify.verify, _CHECK),
    ("audit", audit.audit, _CHECK),
    ("schema", schema.schema, _SET_UP),
):
    module = sys.modules[command.__module__]
    app.command(name, rich_help_panel=panel, epilog=module.EXAMPLE)(command)
app.add_typer(ledger.app, name="ledger", rich_help_panel=_SET_UP)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"murmuration {version('murmuration-mobility')}")
        raise typer.Exit


@app.callback()
def _options(
    _wanted: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Hold the options of the program itself."""


def main() -> None:
    """Run the command line; the entry point of the installed ``murmuration``."""
    warnings.simplefilter("ignore")  # a library's warning may quote private values
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold raw records
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that lacks a letter must not stop us
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
