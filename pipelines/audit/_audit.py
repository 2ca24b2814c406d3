"""The one declaration of an audit. The command's help, its page and its results derive from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dp.audits.finding import Finding
    from pipelines.audit._stage import Stage
    from pipelines.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """An attack on a release: one file in ``pipelines/audit``, one declaration.

    Attributes:
        name: As written after ``--only``.
        title: What the page calls it.
        summary: What is tried, in one or two sentences for a privacy officer.
        bound: What the attack may achieve at most, and why, in words.
        source: Papers that the attack follows.
        own_records: Whether it also makes sense on the custodian's own records, where nobody is
            simulated and hardly any person is known alone.
        run: Tries it on a stage. Yields findings, controls among them; tells a progress how far
            it is, from 0 to 1. Results of a fixed stage may vary with the noise alone.
    """

    name: str
    title: str
    summary: str
    bound: str
    source: str
    run: Callable[[Stage, Progress], Iterable[Finding]]
    own_records: bool = False
