"""The budget ledger: every charge before its noise, in entries that nothing can take back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from dp.errors import LedgerFault
from dp.ledger.amend import refuse_loosening
from dp.ledger.asked import Spans, new_charges, new_spans, refuse_over_budget
from dp.ledger.birth import adopt, create
from dp.ledger.draws import LedgerDraws
from dp.ledger.entries import Kind, Plain
from dp.ledger.policy import Policy
from dp.ledger.records import Charge, ReleaseKey, Reservation, stated
from dp.ledger.state import Book


class Ledger(LedgerDraws):
    """One series' budget, on the disk. Safe for several processes at once.

    A measurement goes through reserve -> start_draw -> (noise) -> store.write -> book_drawn ->
    settle. Each step is on the disk, and in the anchor, before its method returns. Wherever a
    process dies, what it may have drawn stays charged.

    Privacy: in any window, what is charged sums to at most the policy's cap (proof: window.md).
    """

    @classmethod
    def create(cls, path: Path, policy: Policy, *, anchors: Path | None = None) -> Self:
        """Create a ledger and its anchor; LedgerFault where there is one already.

        Args:
            path: The ledger's file; its store and locks stand beside it.
            policy: Fixed for good, but for amendments that tighten it.
            anchors: Folder of anchors. Keep it out of whatever backs up and restores the ledger.
        """
        create(path, policy, anchors)
        return cls(path, anchors)

    @classmethod
    def open(cls, path: Path, *, anchors: Path | None = None) -> Self:
        """Open a ledger, every entry and byte checked; LedgerFault says what is wrong with it."""
        return cls(path, anchors)

    @classmethod
    def adopt(cls, path: Path, reason: str, *, anchors: Path | None = None) -> Self:
        """Give a ledger whose anchor is lost a new one, recorded with the reason.

        Raises:
            LedgerFault: when nothing is lost, an entry is damaged, or an anchor that can still be
                read names a head that this copy does not have.
        """
        adopt(path, reason, anchors)
        return cls(path, anchors)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the work with a ledger. No file stays open between calls, so nothing can be lost."""
        self._forget()

    def reserve(
        self, release: ReleaseKey, charges: Sequence[Charge], *, spans: Spans
    ) -> tuple[Reservation, ...]:
        """Open a release and charge, in one step, whatever of it was not charged before.

        Args:
            release: The same digest is the same release, under the same id.
            charges: Every measurement of the release. Known keys cost nothing and come back as
                they stand, with the charge as it was booked.
            spans: First instant and end of each date read, in seconds since 1970 UTC.

        Returns:
            One reservation per charge, in order.

        Raises:
            BudgetRefused: some window would pass the cap. Nothing was charged.
            PolicyMismatch: a date stands for another span of time than when it was booked.
            LedgerFault: a key is booked for other dates, or the release is settled otherwise; or
                the store holds a draw that this ledger has forgotten.
        """

        def decide(book: Book) -> tuple[Kind, Plain] | None:
            self._refuse_strangers(book)
            fresh = new_charges(book, charges)
            days = new_spans(book, charges, spans)
            refuse_over_budget(book, fresh)
            opened = book.releases.get(release.digest)
            keys = tuple(dict.fromkeys(charge.key for charge in charges))
            if not fresh and opened and set(opened.keys) == set(keys):
                return None
            name = opened.id if opened else f"{release.slug}-{len(book.releases) + 1:04d}"
            return "reserved", {
                "release": {"digest": release.digest, "id": name, "keys": keys},
                "charges": [charge.as_dict() for charge in fresh],
                "spans": days,
            }

        book = self._write(decide)
        name = book.releases[release.digest].id
        return tuple(book.items[charge.key].reservation(name) for charge in charges)

    def _refuse_strangers(self, book: Book) -> None:
        """Refuse to charge where the store remembers what ledger and anchor do not."""
        attempts = {key: item.attempt for key, item in book.items.items()}
        strangers = self.store.strangers(attempts)
        if strangers:
            raise LedgerFault(
                f"{self.store.folder} holds {strangers[0].name} and {len(strangers) - 1} more that "
                f"{self.path} never booked: ledger and anchor were both restored from an old copy, "
                "and what was charged since is forgotten in them. Put the newest copies back; "
                "without them this ledger is lost and a new one starts a new series, whose loss "
                "adds to the old one's"
            )

    def amend(self, policy: Policy, reason: str, *, spans: Spans | None = None) -> None:
        """Tighten the policy, or book the spans of dates that new time zone data moved. Recorded.

        Past charges then count for what the amendment says of them: see ``dp.ledger.amend``.

        Args:
            policy: The whole new policy; the one in force where only spans moved.
            reason: Public words.
            spans: New spans of booked dates.

        Raises:
            PolicyError: something would loosen.
            LedgerBusy: a release is running.
        """
        moved = {date.toordinal(): span for date, span in (spans or {}).items()}

        def decide(book: Book) -> tuple[Kind, Plain]:
            refuse_loosening(book, policy, moved)
            return "amended", {
                "policy": policy.as_dict(),
                "reason": stated(reason),
                "spans": {date.isoformat(): list(span) for date, span in (spans or {}).items()},
            }

        with self.exclusive():
            self._write(decide)
