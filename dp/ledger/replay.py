"""Replay: from entries whose hashes were checked to the state that they mean."""

from __future__ import annotations

import json
from collections.abc import Iterable

from dp.errors import LedgerFault, PolicyError
from dp.ledger.entries import Entry
from dp.ledger.events import HANDLERS, Payload
from dp.ledger.policy import Policy
from dp.ledger.state import Book

FORMAT = 1


def replay(entries: Iterable[Entry], book: Book | None = None) -> Book:
    """Return the state after more entries.

    Args:
        entries: Entries in order.
        book: The state before them, changed in place; None before the first entry.

    Raises:
        LedgerFault: for an entry that breaks a rule, with its number.
    """
    for entry in entries:
        try:
            book = begin(entry) if book is None else apply(book, entry)
        except LedgerFault as fault:
            raise LedgerFault(f"entry {entry.seq} ({entry.kind}): {fault}") from fault
    if book is None:
        raise LedgerFault("the ledger has no entries: it was emptied")
    return book


def begin(entry: Entry) -> Book:
    """Return the state after the first entry."""
    payload = _payload(entry)
    try:
        if entry.kind != "created" or payload["format"] != FORMAT:
            raise LedgerFault(f"the ledger was not written in format {FORMAT}")
        return Book(
            head=entry.head,
            id=str(payload["ledger"]),
            secret=bytes.fromhex(payload["secret"]),
            policy=Policy.from_dict(payload["policy"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, PolicyError) as error:
        raise LedgerFault(f"its content cannot be read: {error}") from error


def apply(book: Book, entry: Entry) -> Book:
    """Change the state by one entry and return it; LedgerFault leaves the state as it was."""
    handler = HANDLERS.get(entry.kind)
    if handler is None:
        raise LedgerFault("this version of murmuration does not know this kind of entry")
    try:
        handler(book, _payload(entry))
    except (KeyError, TypeError, ValueError, AttributeError, PolicyError) as error:
        raise LedgerFault(f"its content cannot be read: {error}") from error
    book.head = entry.head
    return book


def _payload(entry: Entry) -> Payload:
    try:
        payload = json.loads(entry.payload)
    except ValueError as error:
        raise LedgerFault("its content is not JSON") from error
    if not isinstance(payload, dict):
        raise LedgerFault("its content is not a mapping")
    return payload
