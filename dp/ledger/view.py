"""A ledger as it is read: kept in step with the disk, never ahead of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dp.errors import LedgerFault
from dp.ledger.anchor import Anchor
from dp.ledger.asked import new_charges, refuse_over_budget
from dp.ledger.chain import Chain
from dp.ledger.disk import refuse_shared
from dp.ledger.entries import Head
from dp.ledger.past import Standing, standing_when_drawn
from dp.ledger.places import find_anchor, store_folder
from dp.ledger.policy import Policy
from dp.ledger.records import Charge, Reservation
from dp.ledger.replay import replay
from dp.ledger.state import Book, Span
from dp.ledger.statement import spends_of, statement_of
from dp.ledger.store import MeasurementStore
from dp.ledger.window import Worst, worst
from dp.loss import Loss

if TYPE_CHECKING:
    from dp.accounting import Spend


class LedgerView:
    """Everything about a ledger that can be asked without changing it.

    Every question first takes in what other processes wrote, and checks it.

    Attributes:
        path: The ledger's file.
        id: Its id. Public.
        store: The private store of raw measurements beside it.
    """

    def __init__(self, path: Path, anchors: Path | None) -> None:
        self.path = path.resolve()
        self.id, self._anchor = find_anchor(self.path, anchors)
        self.store = MeasurementStore(store_folder(self.path), self._booked)
        refuse_shared(self.path)
        if self.store.folder.is_dir():
            refuse_shared(self.store.folder)
        self._book: Book | None = None
        self._forget()
        with self._current():
            pass

    @property
    def head(self) -> Head:
        """The last entry that this process knows: what a manifest carries. Public."""
        return self._known().head

    @property
    def policy(self) -> Policy:
        """The policy in force. Public."""
        return self._known().policy

    @property
    def secret(self) -> bytes:
        """32 bytes that key the sampling of contributions. Private."""
        return self._known().secret

    def check(self, charges: Sequence[Charge]) -> None:
        """Find out whether charges would fit, without writing anything.

        Raises:
            BudgetRefused: names the window that is shortest, by how much, and what would fit.
        """
        with self._current() as book:
            refuse_over_budget(book, new_charges(book, charges))

    def spends(self) -> tuple[Spend, ...]:
        """Return everything that was charged, attempts that a crash cut off included."""
        with self._current() as book:
            return spends_of(book)

    def windows(self, days: int | None) -> Loss:
        """Return the worst loss of any window of that many dates; None is the whole series."""
        return self.worst(days).loss

    def worst(self, days: int | None) -> Worst:
        """Return the worst loss of any window of that many dates, and where it is."""
        with self._current() as book:
            return worst(book.sums, days)

    def reservations(self) -> tuple[Reservation, ...]:
        """Return every charge that is booked, in the order of booking."""
        with self._current() as book:
            return tuple(item.reservation() for item in book.items.values())

    def release_id(self, digest: str) -> str | None:
        """Return the id of the release that a spec's digest opened, or None."""
        with self._current() as book:
            opened = book.releases.get(digest)
            return opened.id if opened else None

    def settled(self, release_id: str) -> str | None:
        """Return the hash of a settled release's manifest, or None."""
        with self._current() as book:
            opened = book.release(release_id)
            return opened.manifest if opened else None

    def when_drawn(self, digest: str, keys: Sequence[str]) -> Standing:
        """Return the books as they stood when a release was first drawn whole.

        What is booked afterwards never changes the answer.

        Args:
            digest: The release's digest.
            keys: Charge keys of all its measurements.

        Raises:
            LedgerFault: one of them is not drawn.
        """
        with self._current():
            return standing_when_drawn(self._chain.file.entries(), digest=digest, keys=keys)

    def spans(self) -> dict[dt.date, Span]:
        """Return the span of time, in seconds since 1970 UTC, that each charged date stands for."""
        with self._current() as book:
            return {dt.date.fromordinal(day): span for day, span in sorted(book.spans.items())}

    def has_head(self, head: Head) -> bool:
        """Return whether this ledger once had that head: a manifest's claim is then true."""
        with self._current():
            return self._chain.has(head)

    def statement(self) -> dict[str, object]:
        """Return what is public of the ledger as plain values, for JSON."""
        with self._current() as book:
            return statement_of(book)

    @contextmanager
    def _current(self) -> Iterator[Book]:
        """Hold the ledger's lock and yield its state as it is on the disk."""
        with self._chain.locked():
            try:
                self._book = replay(self._chain.catch_up(), self._book)
            except BaseException as error:
                self._forget()
                if isinstance(error, OSError):
                    raise LedgerFault(f"{self.path} cannot be read: {error}") from error
                raise
            yield self._book

    def _forget(self) -> None:
        """Start anew from the disk at the next question."""
        self._chain = Chain(self.path, Anchor(self._anchor.parent, self.id))
        self._book = None

    def _known(self) -> Book:
        if self._book is not None:
            return self._book
        with self._current() as book:
            return book

    def _booked(self, key: str) -> tuple[int, str]:
        with self._current() as book:
            item = book.items.get(key)
            if item is None or item.sha256 is None:
                raise LedgerFault(f"no measurement is booked as drawn for charge {key[:12]}")
            return item.attempt, item.sha256
