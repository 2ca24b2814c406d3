"""Reading a small text file that somebody wrote, with a sentence for what cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.errors import SpecError

if TYPE_CHECKING:
    from pathlib import Path

_MB = 1_000_000


def read_text(path: Path, *, what: str, largest_mb: int, fix: str = "") -> str:
    """Return the text of a file.

    Args:
        path: The file.
        what: What it should be, with its article.
        largest_mb: From which size it is something else.
        fix: What to do where it is absent or something else, in one sentence.

    Raises:
        SpecError: the file is absent, unreadable, too large or not UTF-8 text.
    """
    try:
        if path.stat().st_size > largest_mb * _MB:
            raise _fault(path, f"is larger than {largest_mb} MB: is it {what}?", fix)
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise _fault(path, "does not exist.", fix) from None
    except IsADirectoryError:
        raise _fault(path, "is a folder. Write the file in it.") from None
    except UnicodeDecodeError as fault:
        why = f"is not UTF-8 text (byte {fault.start}). Save it as UTF-8 in your editor."
        raise _fault(path, why) from None
    except (OSError, ValueError) as fault:
        why = getattr(fault, "strerror", None) or "no such path can exist"
        raise _fault(path, f"cannot be read: {why}.", fix) from None


def _fault(path: Path, why: str, fix: str = "") -> SpecError:
    return SpecError(f"{path} {why} {fix}".rstrip())
