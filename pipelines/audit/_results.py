"""Results of audits: run them, and write them down as JSON, plots and a page."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.audit import Audit, audits
from pipelines.errors import SpecError
from pipelines.spec.fields import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dp.audits.finding import Finding
    from pipelines.audit._stage import Stage
    from pipelines.progress import Progress

_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One audit and what it found."""

    audit: Audit
    findings: tuple[Finding, ...]

    @property
    def broken(self) -> bool:
        """Whether a promise is broken."""
        return any(one.alarming for one in self.findings)

    @property
    def blind(self) -> bool:
        """Whether a control went unseen."""
        return any(one.blind for one in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "audit": self.audit.name,
            "title": self.audit.title,
            "summary": self.audit.summary,
            "bound": self.audit.bound,
            "source": self.audit.source,
            "broken": self.broken,
            "blind": self.blind,
            "findings": [one.as_dict() for one in self.findings],
        }


def chosen(only: Sequence[str], *, own_records: bool = False) -> tuple[Audit, ...]:
    """Return the audits of these names, all of them where none is named.

    Raises:
        SpecError: there is none of that name, or one that is named needs simulated people.
    """
    known = audits()
    for name in only:
        if name not in known:
            raise SpecError(
                f"there is no audit {name!r}.{nearest(name, known)} Audits: {', '.join(known)}."
            )
        if own_records and not known[name].own_records:
            raise SpecError(
                f"the audit {name!r} needs simulated people, of whom everything is known. Leave"
                " --on-my-data out."
            )
    possible = [one for one in known.values() if one.own_records or not own_records]
    return tuple(one for one in possible if not only or one.name in only)


def run_audits(
    stage: Stage, selected: Sequence[Audit], *, progress: Progress
) -> tuple[Result, ...]:
    """Return what each audit finds on a stage."""
    return tuple(Result(audit=one, findings=tuple(one.run(stage, progress))) for one in selected)


def as_json(stage: Stage, results: Sequence[Result]) -> dict[str, Any]:
    """Return all results as JSON values."""
    return {
        "audited": stage.facts(),
        "broken": any(one.broken for one in results),
        "blind": any(one.blind for one in results),
        "audits": [one.as_dict() for one in results],
    }


def write_results(folder: Path, stage: Stage, results: Sequence[Result], *, private: bool) -> None:
    """Write ``audit.json``, ``audit.html`` and ``plots/*.svg`` into a folder.

    Args:
        folder: Made if need be.
        stage: What was audited.
        results: What was found.
        private: Whether only the owner may read them: results of the custodian's own records.
    """
    from pipelines.audit._page import page_of
    from pipelines.audit._plots import plots_of

    plots = folder / "plots"
    for made in (folder, plots):
        made.mkdir(parents=True, exist_ok=True)
        if private:
            made.chmod(_PRIVATE_FOLDER)
    for stale in plots.glob("*.svg"):
        stale.unlink()
    content = as_json(stage, results)
    texts = {"audit.json": json.dumps(content, indent=2, allow_nan=False) + "\n"}
    texts["audit.html"] = page_of(content)
    for result in results:
        for name, svg in plots_of(result.as_dict()).items():
            texts[f"plots/{name}.svg"] = svg
    for name, text in texts.items():
        _write(folder / name, text, private=private)


def _write(path: Path, text: str, *, private: bool) -> None:
    path.unlink(missing_ok=True)
    mode = _PRIVATE_FILE if private else 0o644
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, mode), "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
