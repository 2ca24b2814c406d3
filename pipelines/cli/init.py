"""``murmuration init``: a commented spec and policy to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: murmuration init my-city"


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write.")] = Path(),
) -> None:
    """Write a commented release.toml and policy.toml to start from.

    Their JSON Schemas are written beside them, for editors. Nothing is ever overwritten.
    """
    from pipelines.cli.common import console, shown_path
    from pipelines.errors import SpecError
    from pipelines.spec.templates import write_templates

    try:
        written, kept = write_templates(folder)
    except OSError as fault:
        raise SpecError(
            f"{folder} cannot be written: {fault.strerror}. Write another folder."
        ) from None
    out = console()
    for path in written:
        out.print(f"[green]wrote[/]  {shown_path(path)}", soft_wrap=True)
    for path in kept:
        out.print(f"[yellow]kept[/]   {shown_path(path)} (it was there already)", soft_wrap=True)
    if written:
        spec = shown_path(folder / "release.toml")
        out.print(f"\nNext: edit both TOML files, then run murmuration plan {spec}", soft_wrap=True)
