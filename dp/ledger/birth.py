"""How a ledger comes to be, and how one is taken over whose anchor was lost."""

from __future__ import annotations

import secrets
from pathlib import Path

from dp.errors import LedgerBusy, LedgerFault
from dp.ledger.anchor import Anchor
from dp.ledger.chain import Chain, behind, path_lock
from dp.ledger.disk import private_folder
from dp.ledger.entries import START, link
from dp.ledger.file import LedgerFile
from dp.ledger.places import anchor_folder, store_folder
from dp.ledger.policy import Policy
from dp.ledger.records import stated
from dp.ledger.replay import FORMAT, begin, replay

_SECRET_BYTES = 32


def create(path: Path, policy: Policy, anchors: Path | None) -> None:
    """Create ledger, store and anchor. After a crash there is a whole ledger or none.

    Raises:
        LedgerFault: where a ledger or a store stands already, or the anchor would stand beside it.
    """
    path, folder = path.resolve(), anchor_folder(anchors)
    if not path.parent.is_dir():
        raise LedgerFault(f"{path} cannot be created: there is no folder {path.parent}")
    if folder.resolve() == path.parent.resolve():
        raise LedgerFault(
            f"the anchor must not stand in the ledger's own folder {folder}: what restores one "
            "would restore the other. Set MURMURATION_ANCHORS to another folder"
        )
    with path_lock(path)():
        _refuse_existing(path)
        entry = link(
            START,
            "created",
            {
                "format": FORMAT,
                "ledger": secrets.token_hex(16),
                "policy": policy.as_dict(),
                "secret": secrets.token_hex(_SECRET_BYTES),
            },
        )
        file = LedgerFile(path)
        part = file.prepare(entry)
        anchor = Anchor(folder, begin(entry).id)
        anchor.create()
        anchor.issue(entry.head, LedgerFile(part).digest())
        private_folder(store_folder(path))
        file.publish(part)


def adopt(path: Path, reason: str, anchors: Path | None) -> None:
    """Record that somebody vouches for this copy, and give it a new anchor.

    The entry is written before the anchor: after a crash between the two, the ledger is refused
    still and can be adopted again.
    """
    path, text = path.resolve(), stated(reason)
    first = LedgerFile(path).first() if path.is_file() else None
    if first is None:
        raise LedgerFault(f"there is no ledger at {path} to adopt")
    anchor = Anchor(private_folder(anchor_folder(anchors)), begin(first).id)
    chain = Chain(path, anchor)
    with chain.locked():
        _refuse_sound(path, anchor)
        faults = chain.file.faults()
        if faults:
            raise LedgerFault(f"a damaged ledger cannot be adopted: {'; '.join(faults)}")
        entries = chain.file.entries()
        chain.extend(entries)
        replay(entries)
        for head in anchor.heads():
            if not chain.has(head):
                raise LedgerFault(behind(path, chain.head, head))
        entry = link(chain.head, "adopted", {"reason": text})
        chain.file.append(entry)
        anchor.replace(entry.head, chain.file.digest())


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise LedgerFault(f"{path} exists: a ledger is created once and then amended")
    store = store_folder(path)
    if store.exists() and any(store.iterdir()):
        raise LedgerFault(f"{store} holds the measurements of another ledger: move it away first")


def _refuse_sound(path: Path, anchor: Anchor) -> None:
    """Refuse where there is nothing to adopt: the ledger agrees with its anchor as it is."""
    try:
        Chain(path, Anchor(anchor.path.parent, anchor.path.stem)).catch_up(finish=False)
    except LedgerBusy:
        raise
    except LedgerFault:
        return
    raise LedgerFault(f"{path} agrees with its anchor: there is nothing to adopt")
