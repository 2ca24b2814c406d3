"""Where a ledger's parts stand: store and locks beside it, the anchor in a folder of its own."""

from __future__ import annotations

import os
from pathlib import Path

from dp.errors import LedgerFault
from dp.ledger.file import LedgerFile
from dp.ledger.replay import begin


def anchor_folder(anchors: Path | None) -> Path:
    """Return the folder of anchors: the given one, or else that of the environment.

    MURMURATION_ANCHORS, or else ``murmuration/anchors`` under XDG_STATE_HOME or ~/.local/state.
    """
    named = anchors or os.environ.get("MURMURATION_ANCHORS")
    if named:
        return Path(named).absolute()
    state = os.environ.get("XDG_STATE_HOME")
    home = Path(state) if state else Path.home() / ".local" / "state"
    return home / "murmuration" / "anchors"


def find_anchor(path: Path, anchors: Path | None) -> tuple[str, Path]:
    """Return a ledger's id and the path of its anchor; LedgerFault where either is missing."""
    if not path.is_file():
        raise LedgerFault(
            f"there is no ledger at {path}. Create it with `murmuration ledger create`"
        )
    first = LedgerFile(path).first()
    if first is None:
        raise LedgerFault(f"{path} has no first entry: it is not a ledger, or it was emptied")
    ledger_id = begin(first).id
    anchor = anchor_folder(anchors) / f"{ledger_id}.anchor"
    if not anchor.is_file():
        raise LedgerFault(
            f"the anchor of {path} is missing: {anchor}. It says which charges this ledger must "
            "not have forgotten. Put it back, or point MURMURATION_ANCHORS at its folder. If it is "
            f"lost, or the ledger moved here, `murmuration ledger adopt {path.name} --reason ...` "
            "records that you vouch for this copy being the newest"
        )
    return ledger_id, anchor


def store_folder(path: Path) -> Path:
    """Return where a ledger keeps its measurements."""
    return path.with_name(f"{path.name}.store")
