"""Entries of the ledger: canonical text, each bound to all before it by a hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Literal, NamedTuple

from dp.errors import LedgerFault

Kind = Literal[
    "created",
    "reserved",
    "draw_started",
    "drawn",
    "settled",
    "voided",
    "amended",
    "adopted",
]
Plain = Mapping[str, object]
_FORMAT = "murmuration ledger 1"


# Named tuples, because opening a ledger makes tens of thousands of them.
class Head(NamedTuple):
    """The end of the chain: number and hash of its last entry. Public: manifests carry it."""

    seq: int
    hash: str


class Entry(NamedTuple):
    """One event. ``payload`` is canonical JSON; ``hash`` covers it and the whole past."""

    seq: int
    kind: str
    payload: str
    hash: str

    @property
    def head(self) -> Head:
        """The chain's end once this entry is written."""
        return Head(self.seq, self.hash)


START = Head(0, "0" * 64)


def canonical(plain: Plain) -> str:
    """Return the one JSON text of a mapping: sorted keys, no spaces, no floats.

    Raises:
        TypeError: for a float, whose text is not the same everywhere.
    """
    _refuse_floats(plain)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def link(head: Head, kind: Kind, plain: Plain) -> Entry:
    """Return the entry that follows ``head``."""
    payload = canonical(plain)
    return Entry(head.seq + 1, kind, payload, _hash(head, kind, payload))


def follow(head: Head, entry: Entry) -> Head:
    """Return the head after ``entry``.

    Raises:
        LedgerFault: when the entry does not follow ``head``: it, or one before it, was changed,
            removed or put elsewhere.
    """
    if entry.seq != head.seq + 1:
        raise LedgerFault(f"entry {head.seq + 1} is missing: the next one found is {entry.seq}")
    if entry.hash != _hash(head, entry.kind, entry.payload):
        raise LedgerFault(f"entry {entry.seq} does not carry the hash of its content")
    return entry.head


def _hash(head: Head, kind: str, payload: str) -> str:
    # Only the payload may hold a line break, and it comes last: the text splits in one way.
    text = f"{_FORMAT}\n{head.seq + 1}\n{head.hash}\n{kind}\n{payload}"
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError(f"an entry holds exact text, not floats: got {value!r}")
    if isinstance(value, Mapping):
        for part in value.values():
            _refuse_floats(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _refuse_floats(part)
