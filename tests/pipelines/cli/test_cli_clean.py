"""What a killed run left in the work folder is told of, and goes when asked."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any


def _killed(work: Path) -> None:
    """Leave the folder of a run that was killed, with a raw file in it."""
    program = f"""
        import os, signal
        from pathlib import Path
        from pipelines.engines.scratch import Scratch
        scratch = Scratch.begin(Path({str(work)!r}))
        (scratch.folder("buckets") / "raw").write_text("raw")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False)
    assert done.returncode == -signal.SIGKILL


def test_status_tells_of_an_interrupted_run_and_clean_removes_it(city: Path, run: Any) -> None:
    work = city / "work"
    assert run.json("status")["interrupted"] == 0
    assert "nothing" in run("clean")
    _killed(work)
    text = " ".join(run("status").split())
    assert "holds records of an interrupted run" in text
    assert "`murmuration clean" in text
    assert run.json("status")["interrupted"] == 1
    assert "removed 1 interrupted run in work" in " ".join(run("clean").split())
    assert not list(work.glob("engine-*"))
    assert run.json("status")["interrupted"] == 0


def test_a_run_that_lives_is_not_cleaned_away(city: Path, run: Any) -> None:
    from pipelines.engines.scratch import Scratch

    alive = Scratch.begin(city / "work")
    assert "nothing" in run("clean")
    assert run.json("status")["interrupted"] == 0
    assert alive.path.is_dir()
    alive.remove()
