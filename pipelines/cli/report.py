"""``murmuration report``: the page of a release, written again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: murmuration report releases/daily-mobility-0001"


def report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A release folder.")],
) -> None:
    """Write the report of a release folder again.

    It shows what the folder holds: that costs nothing and reads no records.
    """
    from pipelines.cli.common import console, shown_path
    from pipelines.errors import VerifyError
    from pipelines.report.page import write_report

    if not (folder / "manifest.json").is_file():
        raise VerifyError(f"{folder} is no release folder: it has no manifest.json.")
    page = write_report(folder)
    console().print(f"[green]wrote[/]  {shown_path(page)}", soft_wrap=True)
