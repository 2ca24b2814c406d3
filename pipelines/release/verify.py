"""Whether a release folder is what it says it is, and what its ledger booked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import VerifyError
from pipelines.release.manifest import MANIFEST, files_of, read_manifest, sha256_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def verify_release(folder: str | Path, *, ledger: str | Path | None = None) -> list[str]:
    """Return what is wrong with a release folder; an empty list when it is sound.

    Args:
        folder: The folder of one release.
        ledger: The ledger that paid for it: its chain must hold the manifest's head, and its
            booked manifest hash must be this manifest's.

    Raises:
        LedgerFault: the ledger itself is missing or damaged.
    """
    folder = Path(folder)
    try:
        manifest = read_manifest(folder)
    except VerifyError as fault:
        return [str(fault)]
    findings = _compare(folder, manifest)
    if ledger is not None:
        findings += _booked(folder, manifest, Path(ledger))
    return findings


def _compare(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    said, found = manifest["files"], set(files_of(folder))
    findings = [f"{name}: missing from the folder" for name in sorted(set(said) - found)]
    findings += [f"{name}: not in {MANIFEST}; it was added" for name in sorted(found - set(said))]
    for name in sorted(found & set(said)):
        path = folder / name
        if path.is_symlink() or not path.is_file():
            findings.append(f"{name}: not a plain file")
        elif sha256_of(path) != said[name]["sha256"]:
            findings.append(f"{name}: changed since the release (SHA-256 differs)")
    return findings


def _booked(folder: Path, manifest: Mapping[str, Any], path: Path) -> list[str]:
    """Return where the manifest and the ledger disagree."""
    from dp.ledger import Head, Ledger

    said = manifest["ledger"]
    with Ledger.open(path) as ledger:
        if ledger.id != said["id"]:
            return [f"{MANIFEST}: paid for by the ledger {said['id']}, not by {ledger.id}"]
        findings = []
        if not ledger.has_head(Head(said["sequence"], said["head"])):
            findings.append(f"{MANIFEST}: the ledger never had the head that it names")
        settled = ledger.settled(manifest["release"])
        if settled is None:
            findings.append(f"{MANIFEST}: the ledger has not settled {manifest['release']}")
        elif settled != sha256_of(folder / MANIFEST):
            findings.append(f"{MANIFEST}: changed since the ledger settled it")
        return findings
