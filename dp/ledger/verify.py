"""``verify``: everything about a ledger checked from scratch, nothing changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dp.errors import LedgerBusy, LedgerFault
from dp.ledger.anchor import Anchor
from dp.ledger.chain import Chain
from dp.ledger.disk import shared_mode
from dp.ledger.entries import Entry
from dp.ledger.file import LedgerFile
from dp.ledger.places import find_anchor, store_folder
from dp.ledger.recount import Recount
from dp.ledger.replay import replay
from dp.ledger.state import Book
from dp.ledger.store import MeasurementStore
from dp.ledger.window import worst


def verify(path: Path, anchors: Path | None = None) -> list[str]:
    """Return what is wrong with a ledger, one finding a line; nothing when it is sound.

    Checked are every byte of the file (against the digest in the anchor), the chain of hashes, the
    anchor, the rules that each entry must keep, the cap in every window (added up anew), every
    stored measurement, and the modes of files. Between a crash and the ledger's next use, bytes
    outside the entries are not covered.

    Raises:
        LedgerBusy: another process is writing.
    """
    path = path.resolve()
    if not path.is_file():
        return [f"there is no ledger at {path}"]
    findings: list[str] = []
    entries = _chain(path, anchors, findings)
    book = _book(entries, findings)
    if book is not None:
        findings += _sums(entries, book)
        findings += _measurements(MeasurementStore(store_folder(path), _no_booking), book)
    findings += [
        f"{file} is open to others (mode {mode})"
        for file in (path, store_folder(path))
        if file.exists() and (mode := shared_mode(file))
    ]
    return findings


def _chain(path: Path, anchors: Path | None, findings: list[str]) -> list[Entry]:
    """Return the entries, after comparing them with hashes, anchor and digest."""
    file = LedgerFile(path)
    try:
        ledger_id, anchor = find_anchor(path, anchors)
        chain = Chain(path, Anchor(anchor.parent, ledger_id))
        with chain.locked():
            findings += file.faults()
            return chain.catch_up(finish=False)
    except LedgerBusy:
        raise
    except LedgerFault as fault:
        findings.append(str(fault))
    try:
        return file.entries()
    except LedgerFault:
        return []


def _book(entries: Sequence[Entry], findings: list[str]) -> Book | None:
    try:
        return replay(entries)
    except LedgerFault as fault:
        findings.append(str(fault))
        return None


def _sums(entries: Sequence[Entry], book: Book) -> list[str]:
    """Return windows beyond the cap, and any difference between the two ways of adding up."""
    recount = Recount(entries)
    found = worst(book.sums, book.policy.unit.window_days)
    if recount.worst != (found.rho, found.delta):
        return [*recount.findings, "the windows' sums differ when they are added up anew"]
    return recount.findings


def _measurements(store: MeasurementStore, book: Book) -> list[str]:
    """Return stored measurements that are missing, changed, open to others or not booked."""
    findings: list[str] = []
    for key, item in book.items.items():
        if item.sha256 is None:
            continue
        try:
            store.checked(key, item.attempt, item.sha256)
        except LedgerFault as fault:
            findings.append(str(fault))
    strangers = store.strangers({key: item.attempt for key, item in book.items.items()})
    for file in sorted(store.folder.iterdir()) if store.folder.is_dir() else ():
        if file in strangers:
            findings.append(f"{file} is not a measurement of this ledger")
        elif mode := shared_mode(file):
            findings.append(f"{file} is open to others (mode {mode})")
    return findings


def _no_booking(key: str) -> tuple[int, str]:
    raise LedgerFault(f"no measurement is booked for charge {key[:12]}")
