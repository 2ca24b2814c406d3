"""``murmuration budget``: what a ledger has promised, what is spent, and what remains."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.common import JsonOption, LedgerArgument, plain

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
    if statement["dates"]:
        _windows(out, statement)
        _dates(out, statement["dates"], every=every)
    else:
        out.print("Nothing is charged yet.")
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
        f"[dim]ids rotate[/] {plain(policy['id_rotation'])}"
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
    delta, cap = reporting_delta(policy["population"]), Fraction(policy["cap_rho"])
    rows = []
    for row in statement["windows"]:
        rho, days = Fraction(row["rho"]), row["days"]
        loss = Loss(Rho(rho), Fraction(row["delta"]))
        span = {None: "the series", 1: "1 date"}.get(days, f"{days} dates")
        value = rounded_up(epsilon(loss, delta + loss.delta), places=2)
        part = _bar(rho / cap) if days == policy["window_days"] else ""
        rows.append((span, row["first"], row["last"], part, figure(float(rho)), f"{value:.2f}"))
    title = f"The worst windows: what one {statement['unit'].split(',')[0].removeprefix('one ')}"
    grid(
        out,
        f"{title} loses at most (epsilon at delta {float(delta):g})",
        columns=("over", "from", "to", "of the cap", "rho", "epsilon"),
        rows=rows,
        left=4,
    )


def _dates(out: Console, rows: list[dict[str, str]], *, every: bool) -> None:
    from pipelines.cli.show import figure, grid

    shown = rows if every else rows[-_LATEST:]
    figures = [
        (row["date"], *(figure(float(Fraction(row[key]))) for key in ("rho", "remaining_rho")))
        for row in shown
    ]
    grid(out, "Charged per date", columns=("date", "rho", "remains"), rows=figures)
    if len(shown) < len(rows):
        out.print(f" {len(rows) - len(shown)} earlier dates are not shown; --all shows them.\n")


def _releases(out: Console, statement: dict[str, Any]) -> None:
    from pipelines.cli.show import grid

    rows = [
        (row["id"], "complete" if row["manifest"] else "[yellow]to be finished[/]")
        for row in statement["releases"]
    ]
    if rows:
        grid(out, "Releases", columns=("release", "state"), rows=rows, left=2)


def _bar(part: Fraction) -> str:
    full = min(10, int(part * 10))
    return f"{'█' * full}{'░' * (10 - full)} {float(part):.0%}"
