"""The private state file of a run that can be taken up: what was staged, and for which question.

It is written once, when staging has ended. From then on the sources are never read again by this
run: records come from the staged files, and each of these is named here with its hash.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.engines.scratch import STATE
from pipelines.ingest.people import Ids

Groups = tuple[tuple[int, ...], ...]
Digests = dict[str, str]
"""SHA-256 by name in the folder of buckets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """A run whose staging has ended. Private.

    Attributes:
        run: Its folder's random name: partials of another run are never taken for this one's.
        identity: ``Identity.parts`` of the run.
        ids: How persons stand in the staged records.
        rows: Staged rows by bucket; negative buckets held rows that were set aside.
        groups: Buckets that are counted together, in order: the unit of a partial.
        files: The staged files of all groups.
        malformed: Lines that are no text, by source number.
    """

    run: str
    identity: Mapping[str, str]
    ids: Ids
    rows: Mapping[int, int]
    groups: Groups
    files: Mapping[str, str]
    malformed: Mapping[int, int]

    def write(self, folder: Path) -> None:
        """Write the state file in one step: where it stands, it is whole."""
        part = folder / f"{STATE}.part"
        with part.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / STATE)

    @classmethod
    def read(cls, folder: Path) -> RunState | None:
        """Return the state of a folder; None where staging had not ended, or it is unreadable."""
        try:
            found: dict[str, Any] = json.loads((folder / STATE).read_text(encoding="utf-8"))
            numbered = {
                name: {int(at): int(count) for at, count in found[name].items()}
                for name in ("rows", "malformed")
            }
            groups = tuple(tuple(group) for group in found["groups"])
            return cls(**{**found, **numbered, "groups": groups})
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None


def digests(folder: Path, names: Iterable[str]) -> Digests:
    """Return the SHA-256 of files; a file that cannot be read has none."""
    wanted = list(names)
    with ThreadPoolExecutor() as pool:
        hashed = pool.map(lambda name: sha256_of(folder / name), wanted)
        return {name: text for name, text in zip(wanted, hashed, strict=True) if text}


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file, "" where it cannot be read."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        return ""
