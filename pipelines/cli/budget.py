"""``murmuration budget``: what a ledger has promised, what is spent, and what remains."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.common import JsonOption, LedgerArgument

if TYPE_CHECKING:
    from rich.console import Console

EXAMPLE = "Examples: murmuration budget series.ledger\n\nmurmuration budget series.ledger --json"
_LATEST = 40


def budget(
    ledger: LedgerArgument,
    as_json: JsonOption = False,
    every: Annotated[
        bool, typer.Option("--all", help="Show every date, not the latest 40.")
    ] = False,
) -> None:
    """Show what a ledger has promised, spent and left.

    Prints the policy, the worst windows, what each date was charged, and the releases.
    """
    from dp.ledger import Ledger
    from pipelines.cli.common import console, print_json

    with Ledger.open(ledger) as opened:
        statement: dict[str, Any] = opened.statement()
    if as_json:
        print_json(statement)
        return
    out = console()
    _policy(out, statement)
    _windows(out, statement)
    _dates(out, statement["dates"], every=every)
    _releases(out, statement)


def _policy(out: Console, statement: dict[str, Any]) -> None:
    policy, head = statement["policy"], statement["head"]
    out.print()
    out.print(
        f"[bold]Ledger {statement['ledger']}[/]   entry {head['seq']}, head {head['hash'][:12]}"
    )
    out.print(
        f"[dim]unit[/] {statement['unit']}   [dim]cap[/] rho {policy['cap_rho']}, "
        f"delta {policy['cap_delta']}   [dim]population[/] {policy['population']:,}"
    )
    out.print(
        f"[dim]days[/] start at {policy['day_starts']} in {policy['time_zone']}   "
        f"[dim]ids rotate[/] {policy['id_rotation']}",
        markup=True,
    )
    for note in statement["notes"]:
        out.print(f"[yellow]{note['kind']}[/] ", end="")
        out.print(note["reason"], markup=False)
    out.print()


def _windows(out: Console, statement: dict[str, Any]) -> None:
    from dp.accounting import epsilon
    from dp.loss import Loss, Rho
    from pipelines.cli.show import figure, grid
    from pipelines.release.figures import reporting_delta, rounded_up

    policy = statement["policy"]
    delta = reporting_delta(policy["population"])
    table = grid(
        f"The worst windows (epsilon at delta {float(delta):.0e}, unit: {statement['unit']})",
        ("over", "left"),
        ("from", "left"),
        ("to", "left"),
        ("rho", "right"),
        ("epsilon", "right"),
        ("of the cap", "left"),
    )
    for row in statement["windows"]:
        rho = Fraction(row["rho"])
        loss = Loss(Rho(rho), Fraction(row["delta"]))
        span = "the series" if row["days"] is None else f"{row['days']} dates"
        value = rounded_up(epsilon(loss, delta + loss.delta), places=2)
        table.add_row(
            "1 date" if row["days"] == 1 else span,
            row["first"] or "",
            row["last"] or "",
            figure(float(rho)),
            f"{value:.2f}",
            _bar(rho / Fraction(policy["cap_rho"])) if row["days"] == policy["window_days"] else "",
        )
    out.print(table)


def _dates(out: Console, rows: list[dict[str, str]], *, every: bool) -> None:
    from pipelines.cli.show import figure, grid

    if not rows:
        out.print("Nothing is charged yet.")
        return
    shown = rows if every else rows[-_LATEST:]
    table = grid("Charged per date", ("date", "left"), ("rho", "right"), ("remains", "right"))
    for row in shown:
        table.add_row(
            row["date"],
            figure(float(Fraction(row["rho"]))),
            figure(float(Fraction(row["remaining_rho"]))),
        )
    out.print(table)
    if len(shown) < len(rows):
        out.print(f"{len(rows) - len(shown)} earlier dates are not shown; --all shows them.")


def _releases(out: Console, statement: dict[str, Any]) -> None:
    from pipelines.cli.show import grid

    if statement["releases"]:
        table = grid("Releases", ("release", "left"), ("measurements", "right"), ("state", "left"))
        for row in statement["releases"]:
            state = "complete" if row["manifest"] else "[yellow]to be finished[/]"
            table.add_row(row["id"], str(row["measurements"]), state)
        out.print(table)


def _bar(part: Fraction) -> str:
    full = min(10, int(part * 10))
    return f"{'█' * full}{'░' * (10 - full)} {float(part):.0%}"
