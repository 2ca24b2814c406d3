"""Processes that die where they are told: hooks live in tests, not in the product."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any


def before(owner: Any, name: str, nth: int = 1) -> None:
    """Die when ``owner.name`` is called for the nth time."""
    _hook(owner, name, lambda real, *args, **more: (_die(), real(*args, **more))[1], nth)


def after(owner: Any, name: str, nth: int = 1) -> None:
    """Die when ``owner.name`` has returned for the nth time."""
    _hook(owner, name, lambda real, *args, **more: (real(*args, **more), _die())[0], nth)


def serve(
    work: Callable[..., object],
    *,
    warm: Callable[..., object] = lambda *_: None,
    lives_s: Callable[..., float | None] = lambda *_: None,
) -> None:
    """Answer each line of fields, split by tabs, with "killed" or "exit N".

    Args:
        work: What a fork of this process does with the fields, so that imports are paid for once.
        warm: What this process does first.
        lives_s: Seconds after which the fork is killed; None leaves it alone.
    """
    for line in sys.stdin:
        asked = line.rstrip("\n").split("\t")
        warm(*asked)
        child = os.fork()
        if child == 0:
            work(*asked)
            sys.stdout.flush()
            os._exit(0)
        seconds = lives_s(*asked)
        if seconds is not None:
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write("killed\n" if code == -signal.SIGKILL else f"exit {code}\n")
        sys.stdout.flush()


def _die() -> None:
    """End this process as a power cut would, or a kernel that is out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def _hook(owner: Any, name: str, deadly: Callable[..., Any], nth: int) -> None:
    real, calls = getattr(owner, name), [0]

    def hooked(*args: Any, **more: Any) -> Any:
        calls[0] += 1
        return deadly(real, *args, **more) if calls[0] == nth else real(*args, **more)

    setattr(owner, name, hooked)
