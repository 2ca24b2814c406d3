"""The anchor: an append-only record, outside the ledger's folder, of every head ever issued.

Each change of the ledger writes two lines here: ``begun`` with the head that is about to be,
before the ledger's commit, and ``issued`` with the head and the digest of the whole ledger file,
after it. No effect of a change happens before its ``issued`` line is on the disk. So a ledger
stands at the last issued head or at the one begun after it, and at nothing else. The two words
start with different letters: a line that a crash cut off still says which it was.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from pathlib import Path
from typing import NamedTuple

from dp.errors import LedgerFault
from dp.ledger.disk import private_folder, sync, sync_folder, touch_private, write_private
from dp.ledger.entries import Head

_NONE = "-"
_BEGUN = "begun"
_ISSUED = "issued"
_HEAD = re.compile(r"issued (\d+) ([0-9a-f]{64}) ")
_CUT = re.compile(r"begun (\d+) ([0-9a-f]{64}) .*\ni.*\Z")


class Mark(NamedTuple):
    """One line: a head, and for an issued one the digest of the ledger file that has it."""

    verb: str
    head: Head
    digest: str


class Anchor:
    """The anchor file of one ledger, read forward and appended to under the ledger's lock.

    Attributes:
        issued: The last issued mark, or None.
        pending: The head begun after it, or None.
        torn: Whether an ``issued`` line after these was cut off by a crash.
    """

    def __init__(self, folder: Path, ledger_id: str) -> None:
        self.path = folder / f"{ledger_id}.anchor"
        self.issued: Mark | None = None
        self.pending: Mark | None = None
        self.torn = False
        self._title = f"murmuration anchor 1 {ledger_id}"
        self._offset = 0
        self._check = ""

    def create(self) -> None:
        """Write a new anchor without any head; FileExistsError where there is one."""
        private_folder(self.path.parent)
        touch_private(self.path)
        self._append(self._title)
        sync_folder(self.path.parent)
        self._check = self._title

    def refresh(self) -> list[Mark]:
        """Read the lines that were added since the last time and return the issued marks.

        Raises:
            LedgerFault: when the file is gone, was cut short, or a line of it was changed.
        """
        if not self.path.is_file():
            raise LedgerFault(f"the anchor {self.path} is missing")
        if self.path.stat().st_size < self._offset:
            raise LedgerFault(f"the anchor {self.path} was cut short while it was in use")
        with self.path.open("rb") as file:
            file.seek(self._offset)
            *lines, rest = file.read().decode("ascii", errors="replace").split("\n")
        if not self._check:
            if not lines or lines[0] != self._title:
                raise LedgerFault(f"the anchor {self.path} does not start as it should")
            self._check = lines.pop(0)
            self._offset = len(self._check) + 1
        marks = [self._take(line) for line in lines]
        self.torn = rest.startswith(_ISSUED[0])
        return [mark for mark in marks if mark.verb == _ISSUED]

    def begin(self, head: Head) -> None:
        """Write down that the ledger is about to have this head. On the disk when it returns."""
        self._write(Mark(_BEGUN, head, _NONE))

    def issue(self, head: Head, digest: str) -> None:
        """Write down that the ledger has this head. On the disk when it returns."""
        self._write(Mark(_ISSUED, head, digest))

    def heads(self) -> list[Head]:
        """Return the issued heads that can be read here and in replaced anchors, damaged or not.

        A head that was begun counts as issued where the line that says so was cut off by a crash.
        """
        files = [self.path, *self.path.parent.glob(f"{self.path.name}.[0-9]*")]
        texts = [file.read_text("ascii", "replace") for file in files if file.is_file()]
        found = (one for text in texts for mark in (_HEAD, _CUT) for one in mark.finditer(text))
        return [Head(int(one[1]), one[2]) for one in found]

    def replace(self, head: Head, digest: str) -> None:
        """Put a new anchor with one issued head in the place of this one, which is kept beside."""
        private_folder(self.path.parent)
        if self.path.is_file():
            kept = self.path.with_name(f"{self.path.name}.{head.seq}")
            write_private(kept, self.path.read_bytes())
        body = _body(Mark(_ISSUED, head, digest))
        line = f"{self._title}\n{body} {_check(self._title, body)}\n"
        write_private(self.path, line.encode())

    def _write(self, mark: Mark) -> None:
        body = _body(mark)
        self._append(f"{body} {_check(self._check, body)}")
        self._note(mark, _check(self._check, body))

    def _append(self, line: str) -> None:
        data = f"{line}\n".encode()
        fd = os.open(self.path, os.O_WRONLY)
        try:
            os.ftruncate(fd, self._offset)  # a line that a crash cut off was never acted upon
            if os.pwrite(fd, data, self._offset) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            sync(fd)
        finally:
            os.close(fd)
        self._offset += len(data)
        self.torn = False

    def _take(self, line: str) -> Mark:
        body, _, check = line.rpartition(" ")
        if check != _check(self._check, body):
            raise LedgerFault(f"a line of the anchor {self.path} was changed or removed")
        verb, seq, head, digest = body.split(" ")
        mark = Mark(verb, Head(int(seq), head), digest)
        self._offset += len(line) + 1
        self._note(mark, check)
        return mark

    def _note(self, mark: Mark, check: str) -> None:
        self._check = check
        self.pending = mark if mark.verb == _BEGUN else None
        if mark.verb == _ISSUED:
            self.issued = mark


def _body(mark: Mark) -> str:
    return f"{mark.verb} {mark.head.seq} {mark.head.hash} {mark.digest}"


def _check(before: str, body: str) -> str:
    return hashlib.sha256(f"{before}\n{body}".encode()).hexdigest()[:16]
