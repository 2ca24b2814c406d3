"""What DuckDB says when it fails, as errors that a user can act on and that quote no value."""

from __future__ import annotations

import errno

import duckdb

from pipelines.engines.contract import Resources
from pipelines.errors import ResourceError

_DISK_WORDS = ("max_temp_directory_size", "No space left", "disk", "quota")


def resource_error(fault: Exception, resources: Resources) -> ResourceError | None:
    """Return the error for memory or disk that ran out; None for another fault."""
    text = str(fault)
    if isinstance(fault, OSError):
        return _disk(resources) if fault.errno in {errno.ENOSPC, errno.EDQUOT} else None
    if isinstance(fault, MemoryError):
        return _memory(resources)
    if isinstance(fault, duckdb.OutOfMemoryException):
        full = any(word in text for word in _DISK_WORDS[:2])
        return _disk(resources) if full else _memory(resources)
    if isinstance(fault, duckdb.IOException) and any(word in text for word in _DISK_WORDS[1:]):
        return _disk(resources)
    return None


def _memory(resources: Resources) -> ResourceError:
    return ResourceError(
        f"engine: {resources.memory_mb} MB of memory is too little. Write a larger memory_mb "
        "under [engine], or fewer threads; nothing was charged."
    )


def _disk(resources: Resources) -> ResourceError:
    return ResourceError(
        f"engine: the disk under work/ is full, or spill_gb = {resources.spill_gb} is too little. "
        "Free disk space, write a larger spill_gb under [engine], or put work on a larger disk; "
        "nothing was charged."
    )
