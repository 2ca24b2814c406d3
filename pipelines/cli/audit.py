"""``murmuration audit``: attack a release before anyone else does."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.common import JsonOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.audit._results import Result
    from pipelines.audit._stage import Stage
    from pipelines.progress import Progress
    from pipelines.spec import ReleaseSpec

EXAMPLE = (
    "Examples: murmuration audit\n\n"
    "murmuration audit release.toml --only membership --runs 20000\n\n"
    "murmuration audit release.toml --on-my-data\n\n"
    "Exit code 7 where a bound is broken."
)
_RUNS, _PEOPLE = 100_000, 5_000


def audit(
    spec: Annotated[
        Path | None,
        typer.Argument(metavar="[SPEC]", help="A release spec; the demo's city when left out."),
    ] = None,
    *,
    as_json: JsonOption = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Run this audit; may be repeated.")
    ] = None,
    runs: Annotated[
        int, typer.Option(min=400, help="Repetitions; the limits get sharper with their root.")
    ] = _RUNS,
    people: Annotated[
        int, typer.Option(min=200, max=1_000_000, help="Simulated people.")
    ] = _PEOPLE,
    dates: Annotated[
        int | None, typer.Option(min=1, max=30, help="Dates; the policy's window when left out.")
    ] = None,
    on_my_data: Annotated[
        bool,
        typer.Option("--on-my-data", help="Audit the spec's own records; results stay in work/."),
    ] = False,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where to write results on simulated people.")
    ] = Path("audit"),
) -> None:
    """Attack a release: what can be learnt about one person, and what may be at most.

    Simulated people move in the spec's zones; their records go through its tables, bounds, budget
    and noise. Nothing is charged and no record of yours is read. Results become audit.json,
    audit.html and plots.
    """
    from pipelines.errors import SpecError

    if on_my_data and spec is None:
        raise SpecError("--on-my-data needs a SPEC whose records it reads. Write release.toml.")
    if on_my_data and as_json:
        raise SpecError(
            "--json prints results, and those of your own records must stay in work/. Leave one of"
            " --json and --on-my-data out."
        )
    size = (runs, people, dates)
    if on_my_data and spec is not None:
        results = _own(spec, only or [], size=size)
    else:
        stage, results = _simulated(spec, only or [], size=size, out=out)
        _say(stage, results, out=out, as_json=as_json)
    if any(one.broken for one in results):
        from pipelines.errors import VerifyError

        raise typer.Exit(VerifyError.exit_code)


def _own(
    spec: Path, only: Sequence[str], *, size: tuple[int, int, int | None]
) -> tuple[Result, ...]:
    """Audit the spec's records; print where the results are, and nothing of what they say."""
    from pipelines.audit._build import Size
    from pipelines.audit._own import own_stage
    from pipelines.audit._results import chosen, run_audits, write_results
    from pipelines.cli.common import console, load, shown_path
    from pipelines.progress import shown

    selected, (runs, _, dates) = chosen(only, own_records=True), size
    loaded = load(spec)
    folder = loaded.release.work / "audit"
    with shown() as progress:
        stage = own_stage(loaded, work=folder, size=Size(runs=runs, dates=dates), progress=progress)
        results = run_audits(stage, selected, progress=progress)
    write_results(folder, stage, results, private=True)
    console().print(f"[green]wrote[/]  {shown_path(folder / 'audit.html')}", soft_wrap=True)
    console().print("        private: never publish it, and copy no number from it")
    return results


def _simulated(
    spec: Path | None, only: Sequence[str], *, size: tuple[int, int, int | None], out: Path
) -> tuple[Stage, tuple[Result, ...]]:
    from pipelines.audit._build import Size, simulated_stage
    from pipelines.audit._results import chosen, run_audits, write_results
    from pipelines.errors import SpecError
    from pipelines.progress import shown

    selected, (runs, people, dates) = chosen(only), size
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".work-", dir=out) as work, shown() as progress:
            loaded = _loaded(spec, Path(work), progress)
            stage = simulated_stage(
                loaded,
                work=Path(work) / "work",
                size=Size(people=people, runs=runs, dates=dates),
                progress=progress,
            )
            results = run_audits(stage, selected, progress=progress)
        write_results(out, stage, results, private=False)
    except OSError as fault:
        raise SpecError(
            f"{out} cannot be written: {fault.strerror}. Write another --out."
        ) from None
    return stage, results


def _loaded(spec: Path | None, work: Path, progress: Progress) -> ReleaseSpec:
    from pipelines.cli.common import load

    if spec is not None:
        return load(spec, check_data=False)
    import datetime as dt

    from pipelines.twin import make_city

    progress.at("Making a synthetic city", 0.0)
    files = make_city(work / "city", people=1, days=1, start=dt.date(2026, 3, 2), seed=1)
    progress.at("Making a synthetic city", 1.0)
    return load(files.spec, check_data=False)


def _say(stage: Stage, results: Sequence[Result], *, out: Path, as_json: bool) -> None:
    from pipelines.audit._results import as_json as plain
    from pipelines.cli.common import console, print_json, shown_path

    if as_json:
        print_json(plain(stage, results))
        return
    for result in results:
        _table(result)
    text = console()
    text.print(f"[green]wrote[/]  {shown_path(out / 'audit.html')}", soft_wrap=True)
    text.print(f"        {shown_path(out / 'audit.json')}", soft_wrap=True)
    if any(one.broken for one in results):
        text.print("[bold red]broken[/]  a bound does not hold: do not release")
    elif any(one.blind for one in results):
        text.print("[yellow]unseen[/]  a control was not caught: run again with more --runs")
    else:
        text.print("[bold green]sound[/]  every bound holds, and every control was caught")


def _table(result: Result) -> None:
    from pipelines.audit._page import measured, number, verdict
    from pipelines.cli.common import console
    from pipelines.cli.show import grid

    rows = [
        (
            f"{one['name']} (control)" if one["control"] else one["name"],
            one["figure"],
            measured(one["with_person"]),
            "none" if one["bound"] is None else number(one["bound"]),
            verdict(one),
        )
        for one in result.as_dict()["findings"]
    ]
    columns = ("tried", "figure", "measured", "at most", "verdict")
    grid(console(), result.audit.title, columns=columns, rows=rows, left=2)
