"""A process beside the tests that answers each line with a line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Ask = Callable[[str], str]


@contextmanager
def answering(script: Path) -> Iterator[Ask]:
    """Start a script, and end it with the tests that ask it."""
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        to, back = process.stdin, process.stdout
        assert to is not None
        assert back is not None

        def ask(line: str) -> str:
            to.write(f"{line}\n")
            to.flush()
            return back.readline().rstrip("\n")

        yield ask
        to.close()
        process.wait()
