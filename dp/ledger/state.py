"""What the entries add up to: everything that the ledger knows is replayed from them."""

from __future__ import annotations

from dataclasses import dataclass, field

from dp.ledger.entries import Head
from dp.ledger.policy import Policy
from dp.ledger.records import Charge, Reservation, State
from dp.ledger.window import Pair, Runs, add
from dp.loss import Loss

Span = tuple[int, int]


@dataclass(slots=True)
class Item:
    """One booked charge and what became of it.

    ``runs`` and ``loss`` are what counts against windows: those of the charge, unless an amendment
    found that it reads or costs more than was thought. They count once for each attempt.
    """

    charge: Charge
    runs: Runs
    loss: Loss
    release_id: str
    state: State = "reserved"
    attempt: int = 1
    sha256: str | None = None

    def reservation(self, release_id: str | None = None) -> Reservation:
        """Return the public record; for a release that shares the charge, under its own id."""
        return Reservation(
            key=self.charge.key,
            release_id=release_id or self.release_id,
            charge=self.charge,
            state=self.state,
            attempt=self.attempt,
        )


@dataclass(slots=True)
class Opened:
    """One release: its id, the keys it publishes, and its manifest once it is settled."""

    id: str
    keys: tuple[str, ...]
    manifest: str | None = None


@dataclass(slots=True, kw_only=True)
class Book:
    """The ledger's state after its last entry.

    Attributes:
        head: Number and hash of that entry.
        id: The ledger's id.
        secret: 32 private bytes of the series.
        policy: The policy in force.
        items: Charges by key; voided ones are gone.
        releases: Releases by the digest of their spec.
        spans: First instant of every date charged and of the next, by ordinal.
        sums: Loss by the runs of dates read: what windows add up.
        notes: Amendments and adoptions, in order: kind and reason.
    """

    head: Head
    id: str
    secret: bytes = field(repr=False)
    policy: Policy
    items: dict[str, Item] = field(default_factory=dict)
    releases: dict[str, Opened] = field(default_factory=dict)
    spans: dict[int, Span] = field(default_factory=dict)
    sums: dict[Runs, Pair] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)

    def release(self, release_id: str) -> Opened | None:
        """Return the release of that id."""
        return next((r for r in self.releases.values() if r.id == release_id), None)

    def count(self, item: Item, *, times: int = 1) -> None:
        """Add an item's loss to what windows meet; ``times`` -1 takes one attempt back."""
        add(self.sums, item.runs, item.loss, times=times)

    def recount(self) -> None:
        """Add up every item anew, after an amendment changed what they count for."""
        self.sums.clear()
        for item in self.items.values():
            self.count(item, times=item.attempt)
