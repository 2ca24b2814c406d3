"""Which engine a release runs on: what the spec says, or the command line instead of it."""

from __future__ import annotations

from dataclasses import replace

from pipelines.errors import SpecError
from pipelines.spec.fields import master_url, said
from pipelines.spec.release import ReleaseSpec


def with_engine(spec: ReleaseSpec, *, name: str | None, master: str | None) -> ReleaseSpec:
    """Return a spec with the engine and master given instead of its own; None keeps what it says.

    Neither changes a result, so that the release stays the same.

    Raises:
        SpecError: the name is no engine, the URL is none, or the engine has no master.
    """
    from pipelines.engines import ENGINE_NAMES

    chosen = name or spec.engine_name
    if chosen not in ENGINE_NAMES:
        known = " or ".join(map(said, ENGINE_NAMES))
        raise SpecError(f"--engine must be {known}, got {said(chosen)}.")
    if master is not None:
        if chosen != "spark":
            raise SpecError(
                f"--master is for Spark, but the engine is {chosen}. Add --engine spark."
            )
        try:
            master_url(master)
        except ValueError as fault:
            raise SpecError(f"--master {fault}") from None
    kept = master or spec.engine.master
    resources = replace(spec.engine, master=kept if chosen == "spark" else None)
    return replace(spec, engine_name=chosen, engine=resources)
