"""The meaning of each kind of entry: the one place where the ledger's state changes.

Every rule is checked before anything is changed, for a new entry and for one read back alike: an
entry that breaks a rule raises LedgerFault and leaves the state as it was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from dp.errors import LedgerFault
from dp.ledger.amend import refuse_loosening, reread, rescale
from dp.ledger.policy import Policy
from dp.ledger.records import Charge
from dp.ledger.state import Book, Item, Opened, Span

Payload = Mapping[str, Any]


def find(book: Book, key: str) -> Item:
    """Return the item of a key; LedgerFault when it was never charged or was voided."""
    item = book.items.get(key)
    if item is None:
        raise LedgerFault(f"charge {key[:12]} is not booked: it was voided, or never reserved")
    return item


def _reserved(book: Book, payload: Payload) -> None:
    release, spans = payload["release"], _spans(payload["spans"])
    charges = [Charge.from_dict(plain) for plain in payload["charges"]]
    keys = tuple(release["keys"])
    new = {charge.key for charge in charges}
    if len(new) < len(charges) or new & book.items.keys():
        raise LedgerFault("a charge is booked twice")
    if not set(keys) <= new | book.items.keys():
        raise LedgerFault("a release names a charge that is not booked")
    _check_release(book, release)
    if any(spans[day] != book.spans[day] for day in spans.keys() & book.spans.keys()):
        raise LedgerFault("a date is booked with two spans of time")
    if any(
        date.toordinal() not in spans and date.toordinal() not in book.spans
        for charge in charges
        for date in charge.reads
    ):
        raise LedgerFault("a charge reads a date whose span is not booked")
    book.spans.update(spans)
    opened = book.releases.setdefault(release["digest"], Opened(release["id"], keys))
    opened.keys = keys
    for charge in charges:
        item = Item(charge, charge.runs, charge.loss, release["id"])
        book.items[charge.key] = item
        book.count(item)


def _check_release(book: Book, release: Payload) -> None:
    known = book.releases.get(release["digest"])
    if known is None:
        if int(release["id"].rpartition("-")[2]) != len(book.releases) + 1:
            raise LedgerFault(f"release id {release['id']} is out of order")
    elif known.id != release["id"]:
        raise LedgerFault(f"release {known.id} was opened under another id")
    elif known.manifest is not None:
        raise LedgerFault(
            f"release {known.id} is settled and now asks for other measurements under the same "
            "spec. What was published stays; give the spec a new `issue`"
        )


def _draw_started(book: Book, payload: Payload) -> None:
    item = find(book, payload["key"])
    again = item.state == "draw_started"
    if item.state != "reserved" and not again:
        raise LedgerFault(
            f"charge {item.charge.key[:12]} ({item.charge.table}) is {item.state} already: nothing "
            "is drawn twice. Read its stored measurement instead"
        )
    if payload["attempt"] != item.attempt + again:
        raise LedgerFault(f"charge {item.charge.key[:12]} is at attempt {item.attempt}")
    if again:
        item.attempt += 1
        book.count(item)
    item.state = "draw_started"


def _drawn(book: Book, payload: Payload) -> None:
    item = find(book, payload["key"])
    if item.state != "draw_started" or payload["attempt"] != item.attempt:
        raise LedgerFault(
            f"charge {item.charge.key[:12]} ({item.charge.table}) is {item.state}, attempt "
            f"{item.attempt}: no draw of attempt {payload['attempt']} is under way"
        )
    item.sha256 = payload["sha256"]
    item.state = "drawn"


def _settled(book: Book, payload: Payload) -> None:
    opened = book.release(payload["release"])
    if opened is None:
        raise LedgerFault(f"no release has the id {payload['release']}")
    if opened.manifest is not None:
        raise LedgerFault(f"release {opened.id} is settled already, with another manifest")
    open_keys = [key for key in opened.keys if find(book, key).sha256 is None]
    if open_keys:
        raise LedgerFault(
            f"release {opened.id} is not drawn yet: {len(open_keys)} charges are open"
        )
    opened.manifest = payload["manifest"]
    for key in opened.keys:
        book.items[key].state = "settled"


def _voided(book: Book, payload: Payload) -> None:
    item = find(book, payload["key"])
    if item.state != "reserved":
        raise LedgerFault(
            f"charge {item.charge.key[:12]} ({item.charge.table}) is {item.state}: only what was "
            "never drawn can be given back"
        )
    book.count(item, times=-1)
    del book.items[payload["key"]]


def _amended(book: Book, payload: Payload) -> None:
    policy, spans = Policy.from_dict(payload["policy"]), _spans(payload["spans"])
    refuse_loosening(book, policy, spans)
    reread(book, spans)
    rescale(book, policy)
    book.policy = policy
    book.recount()
    book.notes.append(("amended", str(payload["reason"])))


def _adopted(book: Book, payload: Payload) -> None:
    book.notes.append(("adopted", str(payload["reason"])))


def _spans(plain: Mapping[str, Any]) -> dict[int, Span]:
    return {
        dt.date.fromisoformat(day).toordinal(): (int(start_s), int(end_s))
        for day, (start_s, end_s) in plain.items()
    }


HANDLERS: dict[str, Callable[[Book, Payload], None]] = {
    "reserved": _reserved,
    "draw_started": _draw_started,
    "drawn": _drawn,
    "settled": _settled,
    "voided": _voided,
    "amended": _amended,
    "adopted": _adopted,
}
