"""The books as they once stood: a release is described by what was booked when it was drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from dp.errors import LedgerFault
from dp.ledger.entries import Entry, Head
from dp.ledger.policy import Policy
from dp.ledger.records import Charge
from dp.ledger.replay import replay
from dp.ledger.state import Book
from dp.ledger.statement import spends_of

if TYPE_CHECKING:
    from dp.accounting import Spend


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stood in a ledger when a release was first drawn whole. Public.

    Attributes:
        release_id: The release's id.
        head: The chain's end at that moment.
        policy: The policy in force.
        spends: Everything that was charged.
        charges: Booked charges by key.
    """

    release_id: str
    head: Head
    policy: Policy
    spends: tuple[Spend, ...]
    charges: Mapping[str, Charge]


def standing_when_drawn(entries: Iterable[Entry], *, digest: str, keys: Sequence[str]) -> Standing:
    """Return what stood after the first entry that left a release with all of its keys drawn.

    Args:
        entries: All entries, their hashes checked.
        digest: The release's digest.
        keys: Charge keys of all its measurements.

    Raises:
        LedgerFault: one of them is not drawn.
    """
    book: Book | None = None
    for entry in entries:
        book = replay((entry,), book)
        # Shared measurements may be drawn before the release that asks for them is opened.
        if entry.kind in {"reserved", "drawn"} and _whole(book, digest, keys):
            return Standing(
                release_id=book.releases[digest].id,
                head=book.head,
                policy=book.policy,
                spends=spends_of(book),
                charges=MappingProxyType({key: item.charge for key, item in book.items.items()}),
            )
    raise LedgerFault("a measurement of this release is not drawn yet: run the release again")


def _whole(book: Book, digest: str, keys: Sequence[str]) -> bool:
    if digest not in book.releases:
        return False
    items = (book.items.get(key) for key in keys)
    return all(item is not None and item.sha256 is not None for item in items)
