"""``murmuration clean``: remove what interrupted runs left in the private work folder."""

from __future__ import annotations

from pipelines.cli.common import SPEC, SpecArgument

EXAMPLE = "Example: murmuration clean release.toml"


def clean(spec: SpecArgument = SPEC) -> None:
    """Remove the records that an interrupted run left in the work folder.

    A run that was killed keeps its records in private files, so that `murmuration release` goes
    on where it stopped. This gives that up: the next run reads everything again. Runs that are
    going on, the ledger and releases are left alone.
    """
    from pipelines.cli.common import console, load, path_text
    from pipelines.engines.scratch import sweep

    work = load(spec, check_data=False).release.work
    removed = sweep(work)
    said = f"removed   {removed} interrupted run{'s' * (removed != 1)}" if removed else "nothing"
    console().print(f"{said} in {path_text(work)}", soft_wrap=True, markup=False)
