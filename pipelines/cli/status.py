"""``murmuration status``: how far a spec's release is, and the next command."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.cli.common import SPEC, JsonOption, SpecArgument

if TYPE_CHECKING:
    from dp.ledger import Ledger, Reservation
    from pipelines.release.model import Plan

EXAMPLE = "Examples: murmuration status release.toml\n\nmurmuration status --json"

_WORDS = {
    "no_ledger": "there is no ledger yet",
    "not_started": "not released yet",
    "unfinished": "to be finished: it was interrupted",
    "folder_missing": "complete in the ledger, but its folder is not there",
    "complete": "complete",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a spec's release is.

    Attributes:
        state: One of the keys of ``_WORDS``.
        release: Its id, None before it was started.
        folder: Where it is or will be, None before it has an id.
        drawn, measurements: How many of its measurements are drawn, of how many.
        interrupted: Killed runs whose records are still in the work folder.
        others: Other releases that this ledger pays for: id and whether each is complete.
        next: The next command.
    """

    state: str
    release: str | None
    folder: str | None
    drawn: int
    measurements: int
    interrupted: int
    others: list[dict[str, Any]]
    next: str


def status(spec: SpecArgument = SPEC, as_json: JsonOption = False) -> None:
    """Say how far a release is, and what to run next.

    Other releases of the same ledger are listed too. Reads no records.
    """
    from pipelines.cli.common import console, load, print_json, shown_path
    from pipelines.cli.show import grid
    from pipelines.release.plan import plan

    planned = plan(load(spec, check_data=False))
    found = standing(planned)
    if as_json:
        print_json(asdict(found))
        return
    out = console()
    name = found.release or planned.spec.slug
    out.print(f"[bold]{name}[/]  {_WORDS[found.state]}", soft_wrap=True)
    out.print(f"drawn     {found.drawn} of {found.measurements} measurements")
    if found.folder:
        out.print(f"folder    {found.folder}", soft_wrap=True, markup=False)
    if found.interrupted:
        kept = f"{shown_path(planned.spec.release.work)} holds records of an interrupted run"
        out.print(f"private   {kept}: `murmuration release` goes on with them or removes", end=" ")
        out.print(f"them, `murmuration clean {shown_path(planned.spec.path)}` removes them")
    if found.others:
        rows = [(o["id"], "complete" if o["complete"] else "to be finished") for o in found.others]
        out.print()
        grid(out, "Other releases of this ledger", columns=("release", "state"), rows=rows, left=2)
    out.print(f"Next: {found.next}", soft_wrap=True, markup=False)


def standing(plan: Plan) -> Standing:
    """Return how far a plan's release is, from the ledger and the release folder."""
    from dp.ledger import Ledger
    from pipelines.cli.common import path_text
    from pipelines.engines.scratch import dead

    spec = plan.spec
    path = path_text(spec.path)
    if plan.ledger is None:
        policy = path_text(spec.series.policy or Path("policy.toml"))
        return Standing(
            state="no_ledger",
            release=None,
            folder=None,
            drawn=0,
            measurements=len(plan.measurements),
            interrupted=len(dead(spec.release.work)),
            others=[],
            next=f"murmuration ledger create {path_text(spec.series.ledger)} --policy {policy}",
        )
    with Ledger.open(spec.series.ledger) as ledger:
        release = ledger.release_id(plan.digest)
        state, command = _state(ledger, release, folder=spec.release.folder, spec=path)
        return Standing(
            state=state,
            release=release,
            folder=path_text(spec.release.folder / release) if release else None,
            drawn=_drawn(ledger.reservations(), plan),
            measurements=len(plan.measurements),
            interrupted=len(dead(spec.release.work)),
            others=_others(ledger, release),
            next=command,
        )


def _state(ledger: Ledger, release: str | None, *, folder: Path, spec: str) -> tuple[str, str]:
    from pipelines.cli.common import path_text

    if release is None:
        return "not_started", f"murmuration release {spec}"
    if ledger.settled(release) is None:
        return "unfinished", f"murmuration release {spec}"
    if not (folder / release / "manifest.json").is_file():
        return "folder_missing", f"murmuration release {spec}"
    return "complete", f"murmuration verify {path_text(folder / release)}"


def _drawn(booked: Iterable[Reservation], plan: Plan) -> int:
    keys = {one.charge.key for one in plan.measurements}
    return sum(one.key in keys and one.state in ("drawn", "settled") for one in booked)


def _others(ledger: Ledger, release: str | None) -> list[dict[str, Any]]:
    rows: Any = ledger.statement()["releases"]
    return [
        {"id": row["id"], "complete": row["manifest"] is not None}
        for row in rows
        if row["id"] != release
    ]
