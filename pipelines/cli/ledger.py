"""``murmuration ledger``: create, amend, adopt, void. The only commands that change a policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.common import LedgerArgument

if TYPE_CHECKING:
    import datetime as dt

    from dp.ledger import Ledger, Policy

EXAMPLE = "Example: murmuration ledger create series.ledger --policy policy.toml"
_REASON = "Why, in public words: the ledger keeps them for good."
PolicyOption = Annotated[Path, typer.Option("--policy", help="A policy file.")]
ReasonOption = Annotated[str, typer.Option("--reason", help=_REASON)]

app = typer.Typer(
    help="Create a budget ledger, tighten its policy, mend it.",
    epilog=EXAMPLE,
    no_args_is_help=True,
)


@app.command(epilog="Example: murmuration ledger create series.ledger --policy policy.toml")
def create(ledger: LedgerArgument, policy: PolicyOption = Path("policy.toml")) -> None:
    """Create a ledger and fix its policy.

    A record of its heads (the anchor) goes to MURMURATION_ANCHORS, or else below
    ~/.local/state: keep it out of the backup that restores the ledger.
    """
    from dp.ledger import Ledger
    from pipelines.cli.common import console, shown_path
    from pipelines.spec import load_policy

    fixed = load_policy(policy)
    with Ledger.create(ledger, fixed) as made:
        out = console()
        out.print(f"[green]created[/]  {shown_path(ledger)}, ledger {made.id}", soft_wrap=True)
        out.print(f"fixed    rho {fixed.cap.rho.value} for {fixed.unit}")


@app.command(
    epilog="Example: murmuration ledger amend series.ledger --policy policy.toml "
    '--reason "Smaller cap after review"'
)
def amend(
    ledger: LedgerArgument,
    reason: ReasonOption,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="The whole new policy; leave out after a time zone update."),
    ] = None,
) -> None:
    """Tighten a ledger's policy, or record that time zone data moved dates that are booked.

    A policy can only become stricter: a lower cap, a longer window, more identifiers.

    id_rotation may gain dates of new identifiers, each after every date that was charged.
    """
    from dp.ledger import Ledger
    from pipelines.cli.common import console
    from pipelines.errors import SpecError
    from pipelines.spec import load_policy

    with Ledger.open(ledger) as opened:
        new = load_policy(policy) if policy else opened.policy
        moved = _moved(opened, new)
        if new == opened.policy and not moved:
            raise SpecError(
                f"{ledger}: the policy is in force already and no booked date moved. "
                "Write the new policy with --policy."
            )
        opened.amend(new, reason, spans=moved)
    out = console()
    out.print(
        f"[green]amended[/]  rho {new.cap.rho.value} for {new.unit}, "
        f"{len(moved)} booked dates moved"
    )
    out.print(f"ids      {_rotation_text(new)}", soft_wrap=True, markup=False)


@app.command(
    epilog="Example: murmuration ledger adopt series.ledger "
    '--reason "Moved to a new server; the old one is switched off"'
)
def adopt(ledger: LedgerArgument, reason: ReasonOption) -> None:
    """Vouch that this copy of a ledger is the newest, where its anchor was lost.

    A ledger restored from an old backup has forgotten charges: adopting one breaks the promise.
    """
    from dp.ledger import Ledger
    from pipelines.cli.common import console, shown_path

    with Ledger.adopt(ledger, reason) as adopted:
        console().print(
            f"[green]adopted[/]  {shown_path(ledger)} at entry {adopted.head.seq}", soft_wrap=True
        )


@app.command(epilog="Example: murmuration ledger void series.ledger daily-mobility-0002")
def void(
    ledger: LedgerArgument,
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="A release id.")],
) -> None:
    """Give back what an abandoned release reserved and never began to draw.

    Whatever was drawn, or may have been, stays charged.
    """
    from dp.ledger import Ledger
    from pipelines.cli.common import console
    from pipelines.errors import SpecError

    with Ledger.open(ledger) as opened, opened.exclusive():
        own = [one for one in opened.reservations() if one.release_id == release]
        if not own:
            raise SpecError(
                f"{ledger} has no release {release}. `murmuration budget {ledger}` lists them."
            )
        free = [one for one in own if one.state == "reserved"]
        for one in free:
            opened.void(one)
    console().print(
        f"[green]voided[/]  {len(free)} of {len(own)} charges of {release}; "
        f"{len(own) - len(free)} were begun and stay"
    )


def _rotation_text(policy: Policy) -> str:
    """Return how identifiers change, and what that means where only words say when."""
    if policy.rotations is None:
        return (
            f'change as said in words ("{policy.id_rotation}"): no table over several dates can be'
            " released, and this cannot be changed any more"
        )
    dates = ", ".join(map(str, policy.rotations))
    return f"are new on {dates}" if dates else "never change"


def _moved(ledger: Ledger, policy: Policy) -> dict[dt.date, tuple[int, int]]:
    """Return the booked dates that now stand for other instants, with their new spans."""
    import datetime as dt

    from pipelines.schemas.calendar import Calendar

    moved = {}
    for date, booked in ledger.spans().items():
        day = Calendar(
            time_zone=policy.time_zone,
            day_starts=dt.time.fromisoformat(policy.day_starts),
            start=date,
            days=1,
        ).dates[0]
        if (day.start_s, day.end_s) != booked:
            moved[date] = (day.start_s, day.end_s)
    return moved
