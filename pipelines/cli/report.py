"""``murmuration report``: the page of a release, written beside its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = (
    "Examples: murmuration report releases/daily-mobility-0001\n\n"
    "murmuration report releases/daily-mobility-0001 --out page.html"
)


def report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A release folder.")],
    out: Annotated[
        Path | None, typer.Option(metavar="PAGE", help="The page; FOLDER.html when left out.")
    ] = None,
) -> None:
    """Write the report of a release as one page that works offline.

    It shows what the folder holds: that costs nothing and reads no records. The folder itself is
    never changed, so that its hashes stay right.
    """
    from pipelines.cli.common import console, shown_path
    from pipelines.errors import SpecError, VerifyError
    from pipelines.report.page import render

    if not (folder / "manifest.json").is_file():
        raise VerifyError(
            f"{folder} is no release folder: it has no manifest.json. Write a folder that "
            "`murmuration release` made."
        )
    whole = folder.resolve()
    page = out or whole.with_name(f"{whole.name}.html")
    if page.resolve().is_relative_to(whole):
        raise SpecError(f"{page} lies in the release folder, whose files are final. Write another.")
    text = render(folder)
    try:
        page.write_text(text, encoding="utf-8", newline="\n")
    except OSError as fault:
        raise SpecError(f"{page} cannot be written: {fault.strerror}. Write another.") from None
    console().print(f"[green]wrote[/]  {shown_path(page)}", soft_wrap=True)
