"""Public files that a spec names: pinned by their hash when the spec is loaded.

A release's digest holds the hash, never the path: another content is another release, another
place is not.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
)

from pipelines.errors import SourceError

MANIFEST = "manifest.json"
_LARGEST_BYTES = 100_000_000


class PublicInput(BaseModel):
    """A public file, or a release folder by its manifest.

    Attributes:
        path: Where it was when the spec was loaded; never published.
        sha256: Of the file's bytes, or of the folder's manifest.
    """

    model_config = ConfigDict(frozen=True)

    path: Path
    sha256: str

    def text(self) -> str:
        """Return the file's text.

        Raises:
            SourceError: it was changed or removed after the spec was loaded, or is no text.
        """
        try:
            content = self.path.read_bytes()
            if hashlib.sha256(content).hexdigest() == self.sha256:
                return content.decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            pass
        raise SourceError(f"{self.path}: not the text that it was when the spec was loaded")


def _pinned(path: Any, info: ValidationInfo, *, folder: bool) -> PublicInput:
    if not isinstance(path, str) or not path.strip() or not path.isprintable():
        raise ValueError("must be a path in quotes.")
    base: Path = (info.context or {}).get("base", Path())
    full = base / os.path.expanduser(path)  # noqa: PTH111  Path.expanduser raises for unknown users
    file = full / MANIFEST if folder else full
    if not os.path.isfile(file):  # noqa: PTH113  Path.is_file raises for names too long
        what = "the folder of one release" if folder else "a file"
        raise ValueError(f'"{path}" is not {what}. Write its path from the spec\'s own folder.')
    if file.stat().st_size > _LARGEST_BYTES:
        raise ValueError(f'"{path}" is larger than 100 MB. Write a smaller public file.')
    return PublicInput(path=full, sha256=hashlib.sha256(file.read_bytes()).hexdigest())


def _file(path: Any, info: ValidationInfo) -> PublicInput:
    return _pinned(path, info, folder=False)


def _folder(path: Any, info: ValidationInfo) -> PublicInput:
    return _pinned(path, info, folder=True)


def _public(value: PublicInput) -> dict[str, str]:
    return {"sha256": value.sha256}


_PUBLIC = PlainSerializer(_public, return_type=dict[str, str])
_SCHEMA = WithJsonSchema({"type": "string", "minLength": 1})
PinnedFile = Annotated[PublicInput, PlainValidator(_file), _PUBLIC, _SCHEMA]
PinnedRelease = Annotated[PublicInput, PlainValidator(_folder), _PUBLIC, _SCHEMA]
