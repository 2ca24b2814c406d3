"""The manifest of a release folder: what it holds, from what it came, and where it is booked."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from pipelines.errors import VerifyError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST = "manifest.json"
FORMAT = "murmuration-release"
FORMAT_VERSION = 1
_CHUNK = 1 << 20


def json_text(content: Mapping[str, Any]) -> str:
    """Return JSON whose bytes depend on the content alone: given order, two spaces, a line feed."""
    return json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def canonical(content: Any) -> str:
    """Return JSON for hashing: sorted names, no spaces."""
    return json.dumps(
        content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def digest_of(content: Any) -> str:
    """Return the SHA-256 of ``canonical(content)``, 64 hex digits."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, 64 hex digits."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()


def files_of(folder: Path) -> list[str]:
    """Return every file below ``folder`` but the manifest, as sorted paths with slashes."""
    names = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())
    return sorted(name for name in names if name != MANIFEST)


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> str:
    """Write ``manifest.json`` over every file of ``folder``; return the manifest's own SHA-256.

    Args:
        folder: A staged folder, complete but for the manifest.
        facts: Public facts to state before the files: release id, spec, code, ledger.
    """
    files = {
        name: {"sha256": sha256_of(folder / name), "bytes": (folder / name).stat().st_size}
        for name in files_of(folder)
    }
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, **facts, "files": files}
    text = json_text(content)
    (folder / MANIFEST).write_text(text, encoding="utf-8", newline="\n")
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a release folder.

    Raises:
        VerifyError: the folder is missing, holds no manifest, or one of another format.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise VerifyError(
            f"{folder}: no {MANIFEST} here; give the folder of one release, such as"
            " releases/daily-mobility-0001"
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise VerifyError(f"{path}: not readable as JSON; the folder was damaged") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise VerifyError(f"{path}: not the manifest of a release folder")
    if content.get("format_version") != FORMAT_VERSION:
        raise VerifyError(
            f"{path}: format version {content.get('format_version')!r}, this version reads"
            f" {FORMAT_VERSION}"
        )
    return content
