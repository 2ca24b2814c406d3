"""``murmuration release``: charge the ledger, draw the noise, write the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.common import SPEC, SpecArgument

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.release.model import Plan

EXAMPLE = (
    "Example: murmuration release release.toml. On a cluster: "
    "murmuration release release.toml --engine spark --master spark://host:7077"
)


def release(
    spec: SpecArgument = SPEC,
    *,
    engine: Annotated[
        str | None,
        typer.Option(help="duckdb or spark, instead of the spec's; never changes a result."),
    ] = None,
    master: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Spark master, such as spark://host:7077 or local[4]."),
    ] = None,
) -> None:
    """Make a release, or finish one that was interrupted.

    Run it again after a crash: what was drawn is never drawn twice, and what was charged is not
    charged again, except for a crash inside the draw itself. `murmuration plan` shows the price
    first, for nothing.
    """
    from pipelines.progress import shown
    from pipelines.release.run import release as run

    planned = _planned(spec, engine=engine, master=master)
    with shown() as progress:
        folder = run(planned, engine=planned.spec.engine_name, progress=progress)
    say_done(folder, planned)


def _planned(spec: Path, *, engine: str | None, master: str | None) -> Plan:
    """Plan a spec; the records need be there only for what was never charged."""
    from pipelines.cli.common import load
    from pipelines.errors import SpecError
    from pipelines.release.plan import plan
    from pipelines.spec.engine import with_engine

    try:
        loaded = load(spec, check_data=False)
    except SpecError:
        load(spec)  # names every fault at once, those of the private files too
        raise
    planned = plan(with_engine(loaded, name=engine, master=master))
    if planned.new:
        load(spec)
    return planned


def say_done(folder: Path, plan: Plan) -> None:
    """Print where the release is, what it cost, and what to do next."""
    from pipelines.cli.common import console, shown_path
    from pipelines.cli.show import figure

    out = console()
    new = len(plan.new)
    out.print(f"[bold green]released[/]  {shown_path(folder)}", soft_wrap=True)
    if new:
        price = f"rho {figure(float(plan.rate.rho))} per date, {new} measurements"
        out.print(f"charged   {price}; the unit is {plan.policy.unit}", soft_wrap=True)
    else:
        out.print("charged   nothing: every measurement was paid for before")
    kept = plan.spec.release.work / "diagnostics.json"
    if kept.is_file():
        out.print(f"private   {shown_path(kept)} counts the rows set aside", soft_wrap=True)
    page = folder / "report.html"
    opened = page if page.is_file() else folder / "README.md"
    out.print(f"open      {shown_path(opened)}", soft_wrap=True)
    out.print(f"check     murmuration verify {shown_path(folder)}", soft_wrap=True)
