"""A killed run's folder: taken up where it is the same run and whole, or else removed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.engines.duckdb.identity import Identity
from pipelines.engines.duckdb.partials import Partials
from pipelines.engines.duckdb.state import RunState, digests
from pipelines.engines.scratch import Scratch, left_behind
from pipelines.progress import Progress

BUCKETS, PARTIALS, SPILL, TOTALS = "buckets", "partials", "spill", "totals"
"""Subfolders of a run's folder."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A killed run that goes on in this process, which now holds its folder."""

    scratch: Scratch
    state: RunState


def take_up(work: Path, identity: Identity, progress: Progress) -> Taken | None:
    """Return the killed run in ``work`` that is this very run; remove every other dead run.

    Args:
        work: The private folder.
        identity: What this run is.
        progress: Hears, without any datum, what became of a killed run.
    """
    taken: Taken | None = None
    for left in left_behind(work):
        state = RunState.read(left.path)
        why = _why_not(left.path, state, identity) if taken is None else "there is another"
        if state is None or why is not None:
            left.remove()
            progress.note(f"An interrupted run is not taken up, and was removed: {why}.")
            continue
        _tidy(left.path, state)
        taken = Taken(left, state)
    if taken is not None:
        progress.note("An interrupted run is taken up where it stopped.")
    return taken


def partials_of(scratch: Scratch, state: RunState) -> Partials:
    """Return the partials of a run."""
    return Partials(
        folder=scratch.folder(PARTIALS), run=state.run, rows=group_rows(state.groups, state.rows)
    )


def group_rows(groups: tuple[tuple[int, ...], ...], rows: Mapping[int, int]) -> tuple[int, ...]:
    """Return the staged rows of each group."""
    return tuple(sum(rows[bucket] for bucket in group) for group in groups)


def _why_not(folder: Path, state: RunState | None, identity: Identity) -> str | None:
    """Return why a dead run cannot be taken up, in public words; None where it can."""
    if state is None:
        return "it had not finished reading the records"
    now = identity.parts()
    changed = [name for name, text in now.items() if state.identity.get(name) != text]
    if changed or len(now) != len(state.identity):
        return f"{', '.join(changed) or 'the program'} changed since"
    found = Partials(
        folder=folder / PARTIALS, run=state.run, rows=group_rows(state.groups, state.rows)
    ).found()
    if found is None:
        return "one of its files is damaged"
    open_groups = set(range(len(state.groups))) - set(found)
    needed = _files(state, open_groups)
    if digests(folder / BUCKETS, needed) != needed:
        return "one of its files is damaged"
    return None


def _files(state: RunState, groups: set[int]) -> dict[str, str]:
    """Return the staged files of some groups, with their hashes."""
    places = {f"b={bucket}" for number in groups for bucket in state.groups[number]}
    return {name: text for name, text in state.files.items() if name.split("/")[0] in places}


def _tidy(folder: Path, state: RunState) -> None:
    """Remove what the killed process was working on, and buckets that are counted."""
    for name in (SPILL, TOTALS):
        shutil.rmtree(folder / name, ignore_errors=True)
    for part in (folder / PARTIALS).glob("*.part"):
        part.unlink()
    counted = {int(file.name[:6]) for file in (folder / PARTIALS).glob("*.parquet")}
    for name in _files(state, counted):
        (folder / BUCKETS / name).unlink(missing_ok=True)
