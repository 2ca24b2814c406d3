"""``murmuration plan``: what a release will measure, how precisely, and what it costs. Free."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.common import SPEC, JsonOption, SpecArgument, plain

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.release.model import Plan
    from pipelines.spec import ReleaseSpec

EXAMPLE = (
    "Examples: murmuration plan release.toml\n\n"
    "murmuration plan release.toml --json > plan.json\n\n"
    "murmuration plan release.toml --diff last-month.toml"
)
_FRACTION_LETTERS = 9
_GUESS = 0.01


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
    first, last = spec.dates.start, plan.world.calendar.dates[-1].date
    dates = f"{first} to {last} ({spec.dates.days} dates)" if first < last else str(first)
    zones = f"{len(plan.world.zones):,} zones"
    out.print()
    out.print(f"[bold]{plain(spec.title)}[/]   {dates}, {zones}")
    out.print(
        f"[dim]unit[/] {policy.unit}   [dim]cap[/] rho {policy.cap.rho.value}"
        f"   [dim]ledger[/] {plan.ledger or 'not created yet'}"
    )
    out.print()
    _tables(out, plan)
    _certified(out, plan)
    left = remaining(plan)
    verb = "will be spent" if plan.new else "is spent"
    out.print(
        f"In the tightest {left['window']}, rho {left['spent']} of {left['cap']} {verb}; "
        f"[bold]rho {left['remaining']}[/] remains, about {left['dates_more']} more such dates."
    )
    if plan.warnings:
        out.print("\n[yellow]Warnings[/]")
        for warning in plan.warnings:
            out.print(f"[yellow]-[/] {plain(warning)}")


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


def _tables(out: Console, plan: Plan) -> None:
    from pipelines.cli.show import figure, grid

    rows = [
        (
            _named(row),
            row["noise"].removeprefix("discrete_"),
            f"{row['cells']:,}",
            *(figure(row[key]) for key in ("l2", "rho", "sd", "half_width95", "ok_from")),
        )
        for row in plan.rows()
    ]
    columns = ("table", "noise", "cells", "L2", "rho", "sd", "95% half-width", "ok from")
    grid(out, "What is measured on each date", columns=columns, rows=rows, left=2)
    limit = plan.spec.release.max_relative_sd
    if len(rows) > len(plan.tables):
        out.print("[dim] sd of a table at several levels: of values consistent over all of them[/]")
    out.print(
        f"[dim] smaller values than 'ok from' are marked low_precision (sd above {limit:.0%})[/]\n"
    )
    for line in span_lines(plan):
        out.print(f"[dim]{plain(line)}[/]\n")
    for row in plan.rows():
        if "released_from" in row:
            out.print(
                f"[dim]{row['table']}:[/] only cells of {figure(row['released_from'])} or more are"
                f" released, at a delta of {row['delta']:.2g} a date; absent is not 0\n"
            )
    if plan.derived:
        names = ", ".join(one.name for one in plan.derived)
        out.print(f"[dim]computed from them at no cost:[/] {plain(names)}\n")


def span_lines(plan: Plan) -> list[str]:
    """Return what each table over all dates costs, where it counts, and whether it fits."""
    from dp.accounting import worst_window

    days, cap = plan.policy.unit.window_days, plan.policy.cap.rho.value
    held = worst_window(plan.planned, days).rho.value
    fits = "fits" if held <= cap else "does not fit"
    dates: dict[str, int] = {}
    rho: dict[str, Fraction] = {}
    for one in plan.measurements:
        if len(one.reads) > 1:
            dates[one.table] = len(one.reads)
            rho[one.table] = rho.get(one.table, Fraction(0)) + one.cost.rho.value
    return [
        f"{name} reads all {dates[name]} dates: its rho {_short(rho[name])} counts"
        + ("" if days is None else f" in {days + dates[name] - 1} windows of {days} dates")
        + f"; beside the tables of single dates it {fits}: the tightest window holds rho"
        f" {_short(held)} of {_short(cap)}"
        for name in dates
    ]


def _named(row: dict[str, Any]) -> str:
    """Return a row's table, or for a level above its cells the level below it."""
    name = row["table"] if row["level"] == "zone" else f"  at {row['level']} level"
    spans = f" ({row['reads']} dates)" if row["reads"] > 1 else ""
    return (name if row["new"] else f"{name} (paid)") + spans


def _certified(out: Console, plan: Plan) -> None:
    from pipelines.cli.show import grid

    found = plan.guarantees()
    rates = {one.dates: one for one in found if one.basis == "rate"}
    rows = []
    for one in (one for one in found if one.basis == "ledger"):
        rate = rates.get(one.dates)
        guess = f"at most {rate.attack(_GUESS):.1%}" if rate else ""
        rows.append((one.span, *_cells(rate), guess, *_cells(one)))
    subject, delta = plan.policy.unit.subject, float(found[0].delta)
    grid(
        out,
        f"What one {subject} loses at most (epsilon at delta {delta:g})",
        columns=("over", "rho", "epsilon", f"a {_GUESS:.0%} guess becomes", "rho*", "epsilon*"),
        rows=rows,
    )
    out.print(
        "[dim] * the worst such span of what is booked in the ledger, this plan included[/]\n"
    )


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
    shown = [[plain(str(row[key])) for key in ("key", "this", "other")] for row in rows]
    columns = ("key", plain(one.path.name), plain(other.path.name))
    grid(out, "What differs", columns=columns, rows=shown, left=3)


def _short(value: Fraction) -> str:
    text = str(value)
    return text if len(text) <= _FRACTION_LETTERS else f"{float(value):.4f}"
