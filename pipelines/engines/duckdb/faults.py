"""What DuckDB says when it fails, as errors that a user can act on and that quote no value."""

from __future__ import annotations

import errno

import duckdb

from pipelines.engines.contract import Resources
from pipelines.errors import ResourceError

_SPILL = "max_temp_directory_size"
_DISK_WORDS = ("No space left", "File too large", "disk", "quota")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def resource_error(fault: Exception, resources: Resources) -> ResourceError | None:
    """Return the error for memory or disk that ran out; None for another fault."""
    text = str(fault)
    if isinstance(fault, OSError):
        return _disk() if fault.errno in _FULL else None
    if isinstance(fault, MemoryError):
        return _memory(resources)
    if isinstance(fault, duckdb.OutOfMemoryException):
        if _SPILL in text:
            return _spill(resources)
        return _disk() if _DISK_WORDS[0] in text else _memory(resources)
    if isinstance(fault, duckdb.IOException) and any(word in text for word in _DISK_WORDS):
        return _disk()
    return None


def _memory(resources: Resources) -> ResourceError:
    return ResourceError(
        f"engine: {resources.memory_mb} MB of memory is too little. Write a larger memory_mb "
        "under [engine], or fewer threads; nothing was charged."
    )


def _spill(resources: Resources) -> ResourceError:
    return ResourceError(
        f"engine: its temporary files in work/ reached spill_gb = {resources.spill_gb}. Write a "
        "larger spill_gb or memory_mb under [engine]; nothing was charged."
    )


def _disk() -> ResourceError:
    return ResourceError(
        "engine: the disk under work/ is full, or takes no file so large. Free some space, or "
        "write another work under [release], and run the same command again; nothing was charged."
    )
