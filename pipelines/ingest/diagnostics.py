"""Private diagnostics: how many rows were set aside, and why. They never leave ``work/``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.ingest.reasons import Reason

FILE = "diagnostics.json"
_WARN_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCounts:
    """Rows of one source. Private.

    Attributes:
        label: The source.
        rows: All its rows; every one is in exactly one of the counts below.
        kept: Rows that became records.
        outside_zones: Records among them that lie in no zone.
        set_aside: Rows by reason.
    """

    label: str
    rows: int
    kept: int
    outside_zones: int
    set_aside: Mapping[Reason, int]

    def warnings(self) -> list[str]:
        """Return a sentence for each reason that took more than 5% of the rows."""
        found = [
            f"{self.label}: {count / self.rows:.1%} of the rows set aside: {reason.text}"
            for reason, count in sorted(self.set_aside.items())
            if count > _WARN_SHARE * self.rows
        ]
        if self.kept == 0:
            found.append(f"{self.label}: no row was kept: its part of the tables is only noise")
        elif self.outside_zones > _WARN_SHARE * self.kept:
            share = self.outside_zones / self.kept
            found.append(f"{self.label}: {share:.1%} of the records lie outside the zones")
        return found


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What reading the sources found. Private.

    Attributes:
        sources: Counts by source.
        fault: What the engine said when it failed; it may quote values of the data.
    """

    sources: tuple[SourceCounts, ...] = ()
    fault: str = field(default="", repr=False)

    def warnings(self) -> list[str]:
        """Return what the custodian should look at before using the release."""
        return [line for counts in self.sources for line in counts.warnings()]

    def write(self, work: Path) -> None:
        """Write ``diagnostics.json`` into the private folder, mode 0600, in one step."""
        plain = {
            "private": "Counts of the data. Keep this file; publish nothing of it.",
            "warnings": self.warnings(),
            "sources": [
                {
                    "source": counts.label,
                    "rows": counts.rows,
                    "kept": counts.kept,
                    "outside_zones": counts.outside_zones,
                    "set_aside": {r.text: counts.set_aside.get(r, 0) for r in Reason},
                }
                for counts in self.sources
            ],
        }
        if self.fault:
            plain["fault"] = self.fault
        staged = work / f".{FILE}.part"
        staged.unlink(missing_ok=True)
        with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(plain, file, ensure_ascii=False, indent=2)
        staged.replace(work / FILE)
