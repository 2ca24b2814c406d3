"""``export``: a release in the format of other software, whole or not at all, never other bytes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import ExportError
from pipelines.exports import EXPORTS
from pipelines.exports._readme import readme_text
from pipelines.exports._source import Source
from pipelines.release.folder import publish
from pipelines.release.manifest import files_of, sha256_of
from pipelines.release.read import read_release
from pipelines.spec.fields import nearest

if TYPE_CHECKING:
    from pipelines.exports._export import Export


def export(
    folder: str | Path, *, to: str, out: str | Path | None = None, clip: bool = False
) -> Path:
    """Write a release in a format that other software reads; return the new folder.

    Costs nothing: it reads the published folder alone, each file's hash checked. The same release
    gives the same bytes; a folder that holds them already is returned as it is.

    Args:
        folder: The folder of one release.
        to: Name of the format, one of ``pipelines.exports.EXPORTS``.
        out: The new folder; ``FOLDER.FORMAT`` beside the release when left out.
        clip: Whether negative noisy values may be set to 0, in columns and files that say so,
            where the reader cannot take them and the release has no ``for_models``.

    Raises:
        ExportError: the format is unknown, the release lacks what it needs, or something else
            stands where the new folder should be, or it cannot be written.
        VerifyError: the folder is no release, or a file of it was changed.
    """
    declared = _declared(to)
    source = Source(read_release(folder, check=True), export=to, clip=clip)
    final = _place(Path(folder), to, None if out is None else Path(out))
    try:
        _write(declared, source=source, final=final)
    except OSError as fault:
        raise ExportError(
            f"{final} cannot be written: {fault.strerror or fault}. Write another --out, or free"
            " some space."
        ) from fault
    return final


def _write(declared: Export, *, source: Source, final: Path) -> None:
    """Fill a hidden folder and rename it in one step, or compare it with what is there."""
    final.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{final.name}.", suffix=".staging", dir=final.parent))
    try:
        remarks = declared.write(source, staging)
        text = readme_text(declared, source=source, remarks=remarks)
        (staging / "README.md").write_text(text, encoding="utf-8", newline="\n")
        if not final.exists():
            publish(staging, final)
        elif not _same(staging, final):
            raise ExportError(
                f"{final} exists and holds something else. Move it away, or write another --out."
            )
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _declared(to: str) -> Export:
    if to not in EXPORTS:
        raise ExportError(
            f"there is no format {to!r}.{nearest(to, EXPORTS)} Formats: {', '.join(EXPORTS)}."
        )
    return EXPORTS[to]


def _place(folder: Path, to: str, out: Path | None) -> Path:
    whole = folder.resolve()
    final = whole.with_name(f"{whole.name}.{to}") if out is None else out.resolve()
    if final.is_relative_to(whole):
        raise ExportError(f"{final} lies in the release folder, whose files are final.")
    return final


def _same(staging: Path, final: Path) -> bool:
    """Return whether two folders hold the same files with the same bytes."""
    if not final.is_dir() or files_of(staging) != files_of(final):
        return False
    return all(sha256_of(staging / name) == sha256_of(final / name) for name in files_of(staging))
