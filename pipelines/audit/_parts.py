"""Progress of an audit: one step with parts, so that a terminal shows one bar."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.progress import Progress


@dataclass(slots=True)
class Parts:
    """Splits one step into parts of known weight.

    Attributes:
        told: Hears how far the whole is.
        step: Public words for it.
        weights: About how long each part takes, in any unit.
    """

    told: Progress
    step: str
    weights: Sequence[float]
    _done: float = field(default=0.0, init=False)
    _next: int = field(default=0, init=False)

    def part(self) -> Progress:
        """Return the progress of the next part."""
        whole = sum(self.weights)
        weight = self.weights[self._next] / whole
        self._next += 1
        start, self._done = self._done, self._done + weight
        return _Part(self.told, self.step, start, weight)


@dataclass(frozen=True, slots=True)
class _Part:
    told: Progress
    step: str
    start: float
    weight: float

    def at(self, step: str, fraction: float) -> None:  # noqa: ARG002  a progress names its step
        """Report a part's fraction as one of the whole."""
        self.told.at(self.step, min(1.0, self.start + self.weight * fraction))

    def note(self, text: str) -> None:
        """Pass a note on."""
        self.told.note(text)
