"""``murmuration plan``: what a release will measure, how precisely, and what it costs. Free."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.common import SPEC, JsonOption, SpecArgument

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from pipelines.release.model import Plan
    from pipelines.spec import ReleaseSpec

EXAMPLE = (
    "Examples: murmuration plan release.toml\n\n"
    "murmuration plan release.toml --json > plan.json\n\n"
    "murmuration plan release.toml --diff last-month.toml"
)
_FRACTION_LETTERS = 9


def plan(
    spec: SpecArgument = SPEC,
    as_json: JsonOption = False,
    diff: Annotated[
        Path | None, typer.Option(metavar="OTHER", help="Show what OTHER says differently.")
    ] = None,
) -> None:
    """Show what a release will measure, its noise and its privacy loss.

    Costs nothing and reads no records: it works before the data or the ledger exist.
    """
    from pipelines.cli.common import console, load, print_json
    from pipelines.cli.show import difference
    from pipelines.release.plan import plan as make

    loaded = load(spec, check_data=False)
    other = load(diff, check_data=False) if diff else None
    planned = make(loaded)
    if as_json:
        changed = {"diff": difference(loaded.public(), other.public())} if other else {}
        print_json(planned.as_dict() | {"remaining": remaining(planned)} | changed)
        return
    out = console()
    if other:
        _differences(out, loaded, other)
    show_plan(out, planned)
    _next(out, planned)


def show_plan(out: Console, plan: Plan) -> None:
    """Print a plan: its tables, what it certifies, what remains, and warnings."""
    spec, policy = plan.spec, plan.policy
    dates = f"{spec.dates.start} and {spec.dates.days - 1} more dates"
    zones = f"{len(plan.world.zones):,} zones"
    out.print()
    out.print(
        f"[bold]{_plain(spec.title)}[/]   {dates if spec.dates.days > 1 else spec.dates.start}"
        f", {zones}"
    )
    out.print(
        f"[dim]unit[/] {policy.unit}   [dim]cap[/] rho {policy.cap.rho.value}"
        f"   [dim]ledger[/] {plan.ledger or 'not created yet'}"
    )
    out.print()
    out.print(_tables(plan))
    out.print()
    out.print(_certified(plan))
    left = remaining(plan)
    out.print(
        f"\nIn the tightest {left['window']}, rho {left['spent']} of {left['cap']} will be spent; "
        f"[bold]rho {left['remaining']}[/] (about {left['dates_more']} more dates like these) "
        "remains."
    )
    if plan.warnings:
        out.print("\n[yellow]Warnings[/]")
        for warning in plan.warnings:
            out.print(f"[yellow]-[/] {_plain(warning)}")


def remaining(plan: Plan) -> dict[str, Any]:
    """Return what the window that is shortest of budget has left once this plan is charged."""
    from dp.accounting import worst_window

    days = plan.policy.unit.window_days
    cap, spent = plan.policy.cap.rho.value, worst_window(plan.planned, days).rho.value
    left, rate = cap - spent, plan.rate.rho.value
    return {
        "window": "series" if days is None else f"window of {days} dates",
        "cap": str(cap),
        "spent": _short(spent),
        "remaining": _short(left),
        "remaining_float": float(left),
        "dates_more": max(0, left // rate) if rate else 0,
    }


def _tables(plan: Plan) -> RenderableType:
    from pipelines.cli.show import figure, grid

    table = grid(
        "What is measured on each date",
        ("table", "left"),
        ("cells", "right"),
        ("L2", "right"),
        ("rho", "right"),
        ("noise", "left"),
        ("sd", "right"),
        ("95% half-width", "right"),
        ("ok from", "right"),
    )
    for row in plan.rows():
        paid = "" if row["new"] else " (paid)"
        table.add_row(
            row["table"] + paid,
            f"{row['cells']:,}",
            figure(row["l2"]),
            figure(row["rho"]),
            row["noise"].removeprefix("discrete_"),
            figure(row["sd"]),
            figure(row["half_width95"]),
            figure(row["ok_from"]),
        )
    return table


def _certified(plan: Plan) -> RenderableType:
    from pipelines.cli.show import grid

    found = plan.guarantees()
    delta = f"{float(found[0].delta):.0e}".replace("e-0", "e-")
    table = grid(
        f"What one {plan.policy.unit.subject} loses at most (epsilon at delta {delta})",
        ("over", "left"),
        ("rho at this rate", "right"),
        ("epsilon", "right"),
        ("1% guess becomes", "right"),
        ("rho booked and planned", "right"),
        ("epsilon", "right"),
    )
    rates = {one.dates: one for one in found if one.basis == "rate"}
    for one in found:
        if one.basis != "ledger":
            continue
        rate = rates.get(one.dates)
        table.add_row(
            one.span,
            *_cells(rate),
            f"at most {rate.attack(0.01):.1%}" if rate else "",
            *_cells(one),
        )
    return table


def _cells(one: Any) -> tuple[str, str]:
    from pipelines.cli.show import figure

    if one is None:
        return "", ""
    return figure(float(one.loss.rho)), f"{one.as_dict()['epsilon']:.2f}"


def _next(out: Console, plan: Plan) -> None:
    from pipelines.cli.common import shown_path

    spec = plan.spec
    if plan.ledger is None:
        policy = shown_path(spec.series.policy or Path("policy.toml"))
        ledger = shown_path(spec.series.ledger)
        command = f"murmuration ledger create {ledger} --policy {policy}"
    else:
        command = f"murmuration release {shown_path(spec.path)}"
    out.print(f"\nNext: {command}", soft_wrap=True)


def _differences(out: Console, one: ReleaseSpec, other: ReleaseSpec) -> None:
    from pipelines.cli.show import difference, grid

    rows = difference(one.public(), other.public())
    if not rows:
        out.print("Both specs say the same of everything public.")
        return
    table = grid(
        "What differs", ("key", "left"), (one.path.name, "left"), (other.path.name, "left")
    )
    for row in rows:
        table.add_row(*(_plain(str(row[key])) for key in ("key", "this", "other")))
    out.print(table)


def _short(value: Fraction) -> str:
    text = str(value)
    return text if len(text) <= _FRACTION_LETTERS else f"{float(value):.4f}"


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
