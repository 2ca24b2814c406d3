"""``murmuration demo``: a synthetic city, its plan and its release, from nothing."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

EXAMPLE = "Examples: murmuration demo\n\nmurmuration demo --folder my-demo"
_MARK = "demo.json"
_PEOPLE, _DAYS, _START, _SEED = 20_000, 7, "2026-03-02", 1
_CITY = {"people": _PEOPLE, "days": _DAYS, "start": _START, "seed": _SEED}


def demo(
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Where to put the city.")] = Path(
        "murmuration-demo"
    ),
) -> None:
    """Make a synthetic city and a release of it, in under a minute.

    Run again, it finishes what was interrupted and changes nothing that is complete.
    """
    from pipelines.cli.common import console, load
    from pipelines.cli.plan import show_plan
    from pipelines.cli.release import say_done
    from pipelines.progress import shown
    from pipelines.release.plan import plan
    from pipelines.release.run import release

    out = console()
    spec_path = _city(out, folder)
    spec = load(spec_path)
    _ledger(out, spec.series.ledger, policy=spec.series.policy or folder / "policy.toml")
    planned = plan(spec)
    show_plan(out, planned)
    out.print()
    with shown() as progress:
        made = release(planned, engine=spec.engine_name, progress=progress)
    say_done(made, planned)


def _city(out: Console, folder: Path) -> Path:
    """Make the city, unless an earlier run made all of it; return its spec."""
    from pipelines.cli.common import shown_path
    from pipelines.errors import SpecError
    from pipelines.twin import make_city

    if _complete(folder):
        out.print(f"[green]found[/]     the city in {shown_path(folder)}", soft_wrap=True)
        return folder / "release.toml"
    try:
        with out.status("Making a synthetic city"):
            folder.mkdir(parents=True, exist_ok=True)
            _mark(folder, complete=False)
            start = dt.date.fromisoformat(_START)
            files = make_city(folder, people=_PEOPLE, days=_DAYS, start=start, seed=_SEED)
            _mark(folder, complete=True)
    except OSError as fault:
        raise SpecError(
            f"{folder} cannot be written: {fault.strerror}. Write another --folder."
        ) from None
    what = f"a city of {_PEOPLE:,} simulated people and {_DAYS} dates in {shown_path(folder)}"
    out.print(f"[green]made[/]      {what}", soft_wrap=True)
    return files.spec


def _complete(folder: Path) -> bool:
    """Return whether a city is there as a whole.

    Raises:
        SpecError: the folder holds something else: nothing in it is touched.
    """
    from pipelines.errors import SpecError

    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    try:
        mark = json.loads((folder / _MARK).read_text(encoding="utf-8"))
        if mark["city"] == _CITY:
            return mark["complete"] is True
    except (OSError, ValueError, TypeError, KeyError):
        pass
    raise SpecError(
        f"{folder} exists and is not this demo. Write another folder with --folder, or remove it."
    )


def _mark(folder: Path, *, complete: bool) -> None:
    text = json.dumps({"city": _CITY, "complete": complete})
    (folder / _MARK).write_text(text + "\n", encoding="utf-8")


def _ledger(out: Console, path: Path, *, policy: Path) -> None:
    from dp.ledger import Ledger
    from pipelines.cli.common import shown_path
    from pipelines.spec import load_policy

    if path.exists():
        return
    with Ledger.create(path, load_policy(policy)):
        out.print(f"[green]created[/]   the ledger {shown_path(path)}", soft_wrap=True)
