"""What Spark says when it fails, as errors that a user can act on and that quote no value."""

from __future__ import annotations

import errno

from dp.errors import MurmurationError
from pipelines.engines.contract import Resources
from pipelines.errors import ResourceError, SourceError
from pipelines.ingest.check import CheckedSource
from pipelines.ingest.columns import unreadable

_MEMORY_WORDS = (
    "OutOfMemoryError",
    "UNABLE_TO_ACQUIRE_MEMORY",
    "UNABLE_TO_ALLOCATE",
    "Total size of serialized results",
    "Cannot broadcast the table",
)
_DISK_WORDS = ("No space left on device", "Disk quota exceeded")
_LOST_WORDS = ("ExecutorLostFailure", "stage failure: Slave lost")
_GONE_WORDS = ("All masters are unresponsive", "Master removed our application")
_ABSENT_WORDS = ("FILE_NOT_EXIST", "FileNotFoundException", "PATH_NOT_FOUND")


def known_error(
    fault: BaseException, said: str, *, resources: Resources, sources: tuple[CheckedSource, ...]
) -> MurmurationError | None:
    """Return the error for a fault with a cause that the user can mend; None for another fault.

    Args:
        fault: What came up.
        said: What Java printed.
        resources: The job's limits.
        sources: The job's sources.
    """
    from py4j.protocol import Py4JNetworkError

    if isinstance(fault, OSError) and fault.errno in {errno.ENOSPC, errno.EDQUOT}:
        return _disk()
    text = str(fault)
    gone = isinstance(fault, (Py4JNetworkError, ConnectionError))
    words = said if gone else text
    if any(word in words for word in _DISK_WORDS):
        return _disk()
    if isinstance(fault, MemoryError) or any(word in words for word in _MEMORY_WORDS):
        return _memory(resources)
    if any(word in words for word in _GONE_WORDS):
        return ResourceError(
            "engine: the Spark master ended the work before it was done. Look at its own page, "
            "and run again; nothing was charged."
        )
    if gone or any(word in words for word in _LOST_WORDS):
        return _lost(resources)
    return _damaged(text, sources)


def _damaged(text: str, sources: tuple[CheckedSource, ...]) -> SourceError | None:
    """Return the error for the file that Spark names, by the path that the spec means."""
    for checked in sources:
        for file in checked.table.files.paths:
            if str(file) not in text:
                continue
            if any(word in text for word in _ABSENT_WORDS):
                return SourceError(
                    f"{checked.source.label}: {file} is there, but a worker does not see it. Put "
                    "sources where the driver and every worker find them under the same path; "
                    "nothing was charged."
                )
            if "FAILED_READ_FILE" in text or "CANNOT_READ" in text:
                return unreadable(file, label=checked.source.label)
    return None


def _memory(resources: Resources) -> ResourceError:
    return ResourceError(
        f"engine: {resources.memory_mb} MB of memory for a Spark process is too little. Write a "
        "larger memory_mb under [engine], or fewer threads; nothing was charged."
    )


def _disk() -> ResourceError:
    return ResourceError(
        "engine: a disk of Spark is full: under work/, or where the workers write. Free disk "
        "space, or give the workers a larger disk; nothing was charged."
    )


def _lost(resources: Resources) -> ResourceError:
    return ResourceError(
        "engine: Spark lost a process again and again, most likely for want of memory: "
        f"memory_mb = {resources.memory_mb} under [engine] is the memory of each. Write another, "
        "or fewer threads; nothing was charged."
    )
