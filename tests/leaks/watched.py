"""The command line under watch: what it opens, where it connects, what others could see of it.

Run: python watched.py REPORT PLANTS COMMANDS ; the report and the commands (lists of words) are
JSON. Watched through Python's audit events and by looking every few milliseconds: files opened for
writing, sockets, modes in the work folder, the words of this process and of its children. PLANTS
are faults that a test puts in to see that they are noticed.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

WORK = Path("work")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

_NETWORK = {f"socket.{name}" for name in ("__new__", "connect", "getaddrinfo", "gethostbyname")}


class Watch:
    """What was seen, as plain values."""

    def __init__(self) -> None:
        self.written: set[str] = set()
        self.network: set[str] = set()
        self.modes: set[str] = set()
        self.words: set[str] = set()
        self.codes: list[int] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        sys.addaudithook(self._heard)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def as_dict(self) -> dict[str, Any]:
        core = resource.getrlimit(resource.RLIMIT_CORE)
        names = ("written", "network", "modes", "words")
        seen = {name: sorted(getattr(self, name)) for name in names}
        return seen | {"codes": self.codes, "core": list(core)}

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[2], int) and args[2] & _WRITING:
            self.written.add(os.fsdecode(args[0]) if not isinstance(args[0], int) else "")
        elif event in _NETWORK:
            self.network.add(event)

    def _look(self) -> None:
        while not self._over.wait(0.004):
            self.modes.update(modes(WORK))
            self.words.update(shown_words())


def modes(folder: Path) -> Iterator[str]:
    """Yield the modes in a folder, itself included, such as d700."""
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(OSError):
            kind = "d" if path.is_dir() else "f"
            yield f"{kind}{path.stat().st_mode & 0o777:o}"


def shown_words() -> Iterator[str]:
    """Yield what `ps` shows of this process and its children: words, titles, environment."""
    own = os.getpid()
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        for number in (str(own), *children):
            for name in ("cmdline", "comm", "environ"):
                yield Path(f"/proc/{number}/{name}").read_text(errors="replace")


def plant(name: str, canary: str) -> None:
    """Do what no command may do."""
    if name == "print":
        sys.stdout.write(canary)
    elif name == "temporary file":
        Path(os.environ["TMPDIR"], "left").write_text(canary)
    elif name == "socket":
        with contextlib.suppress(OSError), socket.socket() as line:
            line.connect(("127.0.0.1", 9))
    elif name == "mode":
        WORK.mkdir(exist_ok=True)
        (WORK / "open").write_text(canary)
        (WORK / "open").chmod(0o644)
    elif name == "words of a child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(9)", canary])
        time.sleep(0.3)
        child.send_signal(signal.SIGKILL)
        child.wait()


def run(words: list[str]) -> int:
    from pipelines.cli.app import main

    sys.argv = ["murmuration", *words]
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


if __name__ == "__main__":
    os.umask(0)
    report, plants, commands = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
    with Watch() as watch:
        for one in commands:
            watch.codes.append(run(one))
        for one in plants:
            plant(one, "CANARY-PERSON-7f3a91c2")
            time.sleep(0.05)
    Path(report).write_text(json.dumps(watch.as_dict()))
