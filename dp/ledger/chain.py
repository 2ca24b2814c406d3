"""The chain on the disk: file and anchor kept in step, under one lock.

A change is written in four steps, each on the disk before the next: the anchor's ``begun``, the
file's commit, the digest of the file, the anchor's ``issued``. A crash leaves one of two states:
the file at the last issued head (the change never was) or at the one begun (the change is finished
when the ledger is next used). Everything else is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dp.errors import LedgerFault
from dp.ledger.anchor import Anchor, Mark
from dp.ledger.entries import START, Entry, Head, follow
from dp.ledger.file import LedgerFile
from dp.ledger.locks import Lock

WAIT_S = 10.0


class Chain:
    """Entries whose hashes were followed from the first, and the anchor that they must reach.

    Attributes:
        head: The last head that was followed.
    """

    def __init__(self, path: Path, anchor: Anchor) -> None:
        self.file = LedgerFile(path)
        self.anchor = anchor
        self.head = START
        self._hashes: list[str] = []
        self._marks: list[Mark] = []

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the ledger for one short piece of work: its path, and its anchor for copies."""
        with ExitStack() as stack:
            for lock in (path_lock(self.file.path), path_lock(self.anchor.path)):
                stack.enter_context(lock())
            yield

    def catch_up(self, *, finish: bool = True) -> list[Entry]:
        """Return the entries written since the last time, checked against hashes and anchor.

        Call it with the lock held.

        Args:
            finish: Whether to write down that a change which a crash cut off is finished.

        Raises:
            LedgerFault: when the ledger is not what the anchor says, in any byte.
        """
        digest = self.file.digest()
        self._marks += self.anchor.refresh()
        settled = self.anchor.pending is None and self.anchor.issued is not None
        if settled and self.anchor.issued == Mark("issued", self.head, digest):
            return []
        entries = self.file.entries(after=self.head.seq)
        self.extend(entries)
        self._compare(digest)
        if finish and self.anchor.pending and self.anchor.pending.head == self.head:
            self.anchor.issue(self.head, digest)
        return entries

    def extend(self, entries: list[Entry]) -> None:
        """Follow more entries; LedgerFault names the first that does not follow."""
        for entry in entries:
            try:
                self.head = follow(self.head, entry)
            except LedgerFault as fault:
                raise LedgerFault(f"{self.file.path} was changed: {fault}") from None
            self._hashes.append(entry.hash)

    def commit(self, entry: Entry) -> None:
        """Make an entry durable and issue its head. Call it with the lock held, caught up."""
        self.anchor.begin(entry.head)
        self.file.append(entry)
        self.anchor.issue(entry.head, self.file.digest())
        self.extend([entry])

    def has(self, head: Head) -> bool:
        """Return whether the chain passed through that head."""
        return 0 < head.seq <= len(self._hashes) and self._hashes[head.seq - 1] == head.hash

    def _compare(self, digest: str) -> None:
        path, anchor = self.file.path, self.anchor
        if anchor.issued is None:
            raise LedgerFault(f"the anchor {anchor.path} names no head: it was emptied")
        self._refuse_behind()
        self._marks.clear()
        last, pending = anchor.issued, anchor.pending
        if pending and self.head == pending.head:
            return
        if pending and anchor.torn:
            # The line that a crash cut off says that the change was done.
            raise LedgerFault(behind(path, self.head, pending.head))
        if self.head != last.head:
            raise LedgerFault(
                f"{path} holds {self.head.seq - last.head.seq} entries that its anchor "
                f"{anchor.path} never saw: the anchor is an old copy, or the ledger was written by "
                "something else. If an old anchor was restored, `murmuration ledger adopt` "
                "records that and goes on"
            )
        if digest != last.digest:
            raise LedgerFault(
                f"{path} was changed by something other than murmuration since its last entry. Its "
                "entries are whole: if you know what changed it (VACUUM, say), "
                "`murmuration ledger adopt` records that and goes on"
            )

    def _refuse_behind(self) -> None:
        """Refuse a ledger that does not pass through every head that the anchor says it had."""
        for mark in self._marks:
            if not self.has(mark.head):
                raise LedgerFault(behind(self.file.path, self.head, mark.head))


def path_lock(path: Path) -> Lock:
    """Return the lock that guards short work on a ledger or on an anchor."""
    return Lock(
        path.with_name(f"{path.name}.lock"),
        wait_s=WAIT_S,
        busy=f"another process has been writing to {path} for {WAIT_S:.0f} s. Try again",
    )


def behind(path: Path, have: Head, issued: Head) -> str:
    """Return the message for a ledger that does not have a head it once issued."""
    return (
        f"{path} is behind its anchor: it ends at entry {have.seq} and does not hold entry "
        f"{issued.seq} as it was issued. It is an old copy, or its end was cut off: what was "
        "charged since is forgotten in it. Put the newest copy back; if there is none, this ledger "
        "is lost and a new one starts a new series, whose loss adds to the old one's"
    )
