"""From a reservation to a settled release: the steps around a draw, each on the disk in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dp.errors import LedgerFault
from dp.ledger.asked import refuse_over_budget
from dp.ledger.disk import unwritten
from dp.ledger.entries import Kind, Plain, link
from dp.ledger.events import find
from dp.ledger.locks import Lock
from dp.ledger.records import Reservation, check_hash
from dp.ledger.replay import apply
from dp.ledger.state import Book
from dp.ledger.view import LedgerView

Decision = Callable[[Book], tuple[Kind, Plain] | None]
_WAIT_S = 2.0


class LedgerDraws(LedgerView):
    """Writes that follow a reservation."""

    def __init__(self, path: Path, anchors: Path | None = None) -> None:
        super().__init__(path, anchors)
        self._drawing = Lock(
            self._anchor.with_name(f"{self.id}.draw.lock"),
            wait_s=_WAIT_S,
            busy=(
                f"another process is releasing with {self.path}. Wait until it ends; if it died, "
                "its lock is free already, and its release goes on when you run it again"
            ),
        )

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the right to draw, from the first draw until the release is settled.

        Raises:
            LedgerBusy: when another process holds it.
        """
        with self._drawing():
            yield

    def start_draw(self, reservation: Reservation) -> Reservation:
        """Book that noise may exist from now on. On the disk and anchored when it returns.

        A draw that was started before and never booked as drawn is charged again: its noise may
        have been seen.

        Raises:
            BudgetRefused: there is no room to charge it again.
            LedgerFault: it is drawn already, or the right to draw is not held.
        """
        self._require_exclusive("start_draw")

        def decide(book: Book) -> tuple[Kind, Plain]:
            item = find(book, reservation.key)
            again = item.state == "draw_started"
            if again:
                refuse_over_budget(book, [item])
            return "draw_started", {"key": reservation.key, "attempt": item.attempt + again}

        return self._moved(reservation, self._write(decide))

    def book_drawn(self, reservation: Reservation, sha256: str) -> Reservation:
        """Book that the draw is in the store under this SHA-256: it is never drawn again.

        Raises:
            LedgerFault: the store does not hold it, or no such draw is under way.
        """
        self._require_exclusive("book_drawn")
        check_hash(sha256, name="sha256")
        self.store.checked(reservation.key, reservation.attempt, sha256)
        plain = {"key": reservation.key, "attempt": reservation.attempt, "sha256": sha256}
        return self._moved(reservation, self._write(lambda _: ("drawn", plain)))

    def settle(self, release_id: str, manifest_sha256: str) -> None:
        """Book that a release stands in its place under this manifest. Twice the same is once.

        Raises:
            LedgerFault: a measurement is not drawn, or the release was settled with another
                manifest.
        """
        self._require_exclusive("settle")
        check_hash(manifest_sha256, name="manifest_sha256")

        def decide(book: Book) -> tuple[Kind, Plain] | None:
            opened = book.release(release_id)
            if opened and opened.manifest == manifest_sha256:
                return None
            return "settled", {"release": release_id, "manifest": manifest_sha256}

        self._write(decide)

    def void(self, reservation: Reservation) -> None:
        """Give a charge back for which no draw was ever started. Recorded.

        Raises:
            LedgerFault: a draw was started, or the charge is not booked.
        """
        self._write(lambda _: ("voided", {"key": reservation.key}))

    def _write(self, decide: Decision) -> Book:
        """Decide on the state as it is on the disk, and append what was decided. Return the state.

        The rules of the entry are applied to the state first: one that breaks them is not written.
        """
        with self._current() as book:
            step = decide(book)
            if step is None:
                return book
            entry = link(book.head, *step)
            try:
                apply(book, entry)
                self._chain.commit(entry)
            except BaseException as error:
                self._forget()
                if isinstance(error, OSError):
                    raise unwritten(
                        error,
                        f"{self.path} or its anchor could not be written",
                        "What was being booked may be charged, and no noise was drawn for it.",
                    ) from error
                raise
            return book

    def _moved(self, reservation: Reservation, book: Book) -> Reservation:
        return book.items[reservation.key].reservation(reservation.release_id)

    def _require_exclusive(self, what: str) -> None:
        if not self._drawing.held:
            raise LedgerFault(f"{what} belongs inside `with ledger.exclusive():`")
