"""``murmuration verify``: whether a release folder or a ledger is what it says it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.common import JsonOption

EXAMPLE = (
    "Examples: murmuration verify releases/daily-mobility-0001\n\n"
    "murmuration verify series.ledger --json"
)


def verify(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A release folder, or a ledger.")],
    ledger: Annotated[
        Path | None, typer.Option(help="The ledger that the folder must agree with.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a release folder or a ledger from scratch.

    Every hash of a folder is compared; every entry of a ledger is added up again. Exit code 0
    when sound, 7 when anything differs.
    """
    from pipelines.cli.common import console, print_json, shown_path
    from pipelines.errors import VerifyError

    findings = _findings(path, ledger)
    if as_json:
        print_json({"path": str(path), "sound": not findings, "findings": findings})
        if findings:
            raise typer.Exit(VerifyError.exit_code)
        return
    if findings:
        raise VerifyError("\n".join(findings))
    what = "release folder" if path.is_dir() else "ledger"
    console().print(f"[green]sound[/]  {what} {shown_path(path)}", soft_wrap=True)


def _findings(path: Path, ledger: Path | None) -> list[str]:
    from pipelines.errors import VerifyError

    if not path.exists():
        raise VerifyError(f"{path} does not exist. Write a release folder or a ledger file.")
    if path.is_dir():
        from pipelines.release.verify import verify_release

        return verify_release(path, ledger=ledger)
    from dp.ledger import verify as verify_ledger

    return verify_ledger(path)
