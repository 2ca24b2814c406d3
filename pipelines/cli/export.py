"""``murmuration export``: a release in the format of other software."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.exports import EXPORTS

EXAMPLE = "\n\n".join(
    [
        "Examples: murmuration export releases/daily-mobility-0001 --to od-csv",
        "murmuration export releases/daily-mobility-0001 --to skmob --clip --out flows",
        "Formats:",
        *(f"{one.name}: {one.summary} Needs {one.needs}." for one in EXPORTS.values()),
    ]
)


def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A release folder.")],
    to: Annotated[str, typer.Option(metavar="FORMAT", help=f"One of {', '.join(EXPORTS)}.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The new folder; FOLDER.FORMAT if left out.")
    ] = None,
    clip: Annotated[
        bool,
        typer.Option("--clip", help="Set negative values to 0, in columns that say so."),
    ] = False,
) -> None:
    """Write a release for other software, NA and 0 kept apart.

    It reads the published folder alone, so it costs nothing. The README of the new folder states
    orientation, units and how to read it back. A folder that exists is never overwritten.
    """
    from pipelines.cli.common import console, shown_path
    from pipelines.exports._run import export as write

    made = write(folder, to=to, out=out, clip=clip)
    console().print(f"[green]wrote[/]  {shown_path(made)}", soft_wrap=True)
