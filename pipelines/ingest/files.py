"""From a path in a spec to the files that it means."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.errors import SourceError

Format = Literal["parquet", "csv"]

_SUFFIXES: dict[str, Format] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".csv.gz": "csv",
    ".tsv.gz": "csv",
}
_WRITE = f"Write a path to files that end in {', '.join(_SUFFIXES)}."


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one source, sorted, all of one format."""

    format: Format
    paths: tuple[Path, ...]


def find_files(path: Path, *, label: str) -> Files:
    """Return the files that a path means: one file, all files of a folder, or a pattern.

    A folder is read with its subfolders; files in it that are neither Parquet nor CSV, and names
    that start with "." or "_", are left out. A file named outright must be one of the two.

    Args:
        path: File, folder or glob.
        label: How messages name the source.

    Raises:
        SourceError: nothing is there, or the files are of two formats or of none.
    """
    named = [path] if path.exists() else [Path(p) for p in _matches(path)]
    found = sorted({file for place in named for file in _within(place)})
    if not found:
        raise SourceError(f"{label}: no file at {path}. {_WRITE}")
    formats = {file: _format(file, label=label) for file in found}
    first = formats[found[0]]
    for file in found:
        if formats[file] != first:
            raise SourceError(
                f"{label}: {found[0].name} is {first}, but {file.name} is {formats[file]}. "
                "Write one source for each format."
            )
    return Files(first, tuple(found))


def _matches(path: Path) -> list[str]:
    # Path.glob takes no absolute pattern.
    return glob.glob(str(path), recursive=True)  # noqa: PTH207


def _within(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    return [file for file in place.rglob("*") if _listed(file, place) and file.is_file()]


def _listed(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    return not hidden and file.name.lower().endswith(tuple(_SUFFIXES))


def _format(file: Path, *, label: str) -> Format:
    if not file.is_file():
        raise SourceError(f"{label}: {file} is not a file. {_WRITE}")
    for suffix, form in _SUFFIXES.items():
        if file.name.lower().endswith(suffix):
            return form
    raise SourceError(f"{label}: {file} is neither Parquet nor CSV by its name. {_WRITE}")
