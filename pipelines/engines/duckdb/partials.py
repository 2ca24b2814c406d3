"""Partial totals: one file for each group of buckets, whole or not there (``partials.md``)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engines.duckdb.state import sha256_of
from pipelines.errors import EngineError
from pipelines.ingest.quoting import literal

PARTIAL = "ingest_partial"
"""Relation of one group's totals: ``PARTIAL_COLUMNS`` of ``pipelines.engines.statements``."""
_NAME = re.compile(r"(\d{6})-([0-9a-f]{64})\.parquet")

Kept = tuple[tuple[int, int, int], ...]
"""What a group held: (source, records, of these outside all zones). Private."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partials:
    """The partials of one run.

    Attributes:
        folder: Where they are.
        run: The run's name.
        rows: Staged rows of each group.
    """

    folder: Path
    run: str
    rows: tuple[int, ...]

    def write(self, con: duckdb.DuckDBPyConnection, number: int, kept: Kept) -> None:
        """Write one group's partial in one step, under a name that holds its hash."""
        part = self.folder / f"{number:06d}.part"
        said = f"run: {literal(self.run)}, number: '{number}', kept: {literal(json.dumps(kept))}"
        con.execute(
            f"COPY {PARTIAL} TO {literal(str(part))} "
            f"(FORMAT parquet, COMPRESSION snappy, KV_METADATA {{{said}}})"
        )
        con.execute(f"DROP TABLE {PARTIAL}")
        part.replace(self.folder / f"{number:06d}-{sha256_of(part)}.parquet")

    def found(self) -> dict[int, Path] | None:
        """Return the partials that are there, by group; None where one of them is not sound.

        A sound one holds the bytes that its name says, and was written by this run for the group
        that its name says; no group has two.
        """
        by_group: dict[int, Path] = {}
        for file in sorted(self.folder.glob("*.parquet")):
            named = _NAME.fullmatch(file.name)
            number = int(named[1]) if named else -1
            if named is None or not 0 <= number < len(self.rows) or number in by_group:
                return None
            if sha256_of(file) != named[2] or self._said(file)[:2] != (self.run, number):
                return None
            by_group[number] = file
        return by_group

    def whole(self) -> tuple[list[Path], list[Kept]]:
        """Return exactly one sound partial for each group, and what each group held.

        Raises:
            EngineError: a group has none or two, or they hold another number of records than were
                staged. No sum is made then.
        """
        found = self.found() or {}
        files = [found[number] for number in sorted(found)]
        kept = [self._said(file)[2] for file in files]
        counted = [sum(records for _, records, _ in group) for group in kept]
        if sorted(found) != list(range(len(self.rows))) or counted != list(self.rows):
            raise EngineError(
                "engine: a bucket of records was not counted exactly once, so that no total was "
                "made. Nothing was charged. Run the same command again: it starts from nothing."
            )
        return files, kept

    def _said(self, file: Path) -> tuple[str, int, Kept]:
        try:
            said = pq.read_metadata(file).metadata or {}
            kept = tuple((int(s), int(k), int(o)) for s, k, o in json.loads(said[b"kept"]))
            return said[b"run"].decode(), int(said[b"number"]), kept
        except (OSError, pa.ArrowException, KeyError, ValueError):
            return "", -1, ()
