"""What Spark needs before it starts, told at once: the packages, Java, a master that answers."""

from __future__ import annotations

import os
import re
import shutil
import socket
from importlib.util import find_spec
from pathlib import Path

from pipelines.errors import ResourceError

_ANSWER_S = 5.0
_STANDALONE = "spark://"
_HOST = re.compile(r"^(?P<host>\[[^\]]+\]|[^:\s]+):(?P<port>\d{1,5})$")


def check_needs(master: str) -> None:
    """Refuse to start where something that Spark needs is missing.

    Raises:
        ResourceError: no pyspark, no Java, or no standalone master that answers in 5 seconds.
    """
    if any(find_spec(name) is None for name in ("pyspark", "sqlglot")):
        raise ResourceError(
            "engine: Spark needs the spark extra. Install it with "
            '"pip install \'murmuration-mobility[spark]\'", or write name = "duckdb" under '
            "[engine]; nothing was charged."
        )
    if not _has_java():
        raise ResourceError(
            "engine: Spark needs Java 17 or later, and none was found. Install it and put java on "
            'the PATH or write JAVA_HOME, or write name = "duckdb" under [engine]; '
            "nothing was charged."
        )
    _check_master(master)


def is_local(master: str) -> bool:
    """Return whether a master needs no other machine: ``local``, ``local[2]``, ``local-cluster``.

    >>> is_local("local[2]"), is_local("spark://10.0.0.1:7077")
    (True, False)
    """
    return master.startswith("local") or _standalone_on_loopback(master)


def unreachable(master: str) -> ResourceError:
    """Return the error for a master that does not answer."""
    return ResourceError(
        f"engine: the Spark master {master} does not answer. Start it, or write its URL as its "
        "own page shows it, spark://host:7077; nothing was charged."
    )


def _has_java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return (Path(home) / "bin" / "java").exists() if home else shutil.which("java") is not None


def _standalone_on_loopback(master: str) -> bool:
    return all(host in {"127.0.0.1", "localhost", "[::1]"} for host, _ in _hosts(master)) and (
        master.startswith(_STANDALONE)
    )


def _check_master(master: str) -> None:
    """Knock at a standalone master: Spark itself would wait a minute and end with a stack trace."""
    if not master.startswith(_STANDALONE):
        return
    hosts = _hosts(master)
    if not hosts or not any(_answers(host, port) for host, port in hosts):
        raise unreachable(master)


def _hosts(master: str) -> list[tuple[str, int]]:
    named = master.removeprefix(_STANDALONE).split(",")
    found = [_HOST.match(name) for name in named]
    return [(match["host"], int(match["port"])) for match in found if match]


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host.strip("[]"), port), timeout=_ANSWER_S).close()
    except (OSError, OverflowError):
        return False
    return True
