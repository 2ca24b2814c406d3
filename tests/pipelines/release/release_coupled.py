"""The command line with noise that is chosen: every draw gives the same agreed vector.

For data D the noise is "agreed - totals of D", and for D' it is "agreed - totals of D'". Both are
possible, and then nothing that leaves may tell D from D'. Only a test can put such noise in.

Reads lines of JSON (folder, anchors, plant, arguments), does each in a fork of itself so that
imports are paid for once, with standard output and error as files, and answers with a line of JSON.
A plant is a leak that the tests must notice.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pipelines.cli.release as release_command
from dp.mechanisms import Mechanism, Threshold
from pipelines.cli.app import main
from pipelines.errors import SourceError
from pipelines.ingest.diagnostics import Diagnostics, SourceCounts
from pipelines.ingest.reasons import Reason
from pipelines.release import frames

TRUE: dict[int, NDArray[np.int64]] = {}
"""What a plant knows of the records: the last totals by number of measured cells."""


def _agreed(_self: Mechanism, totals: NDArray[Any], **_more: Any) -> NDArray[np.int64]:
    TRUE[totals.size] = totals
    return np.random.default_rng(totals.size).integers(-500, 5000, totals.size)


def _agreed_cells(
    self: Threshold, *_: Any, **_more: Any
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.array([1, 4], dtype=np.int64), np.array([0, 7], dtype=np.int64) + self.threshold


def _empty(cells: int) -> NDArray[np.bool_]:
    return TRUE.get(cells, np.ones(cells)) == 0


def _status_from_counts() -> None:
    real = frames.status_codes

    def codes(values: Any, **more: Any) -> Any:
        found = real(values, **more)
        return np.where(_empty(values.size), 1, found).astype(np.int8)

    frames.status_codes = codes


def _keys_from_data() -> None:
    real = frames.table_rows

    def rows(noisy: Any, **more: Any) -> Any:
        seen = ~_empty(noisy.keys.size)
        return real(noisy, **more).filter(seen)

    from pipelines.release import derive

    derive.table_rows = rows


def _stop_on_bad_rows() -> None:
    real = Diagnostics.write

    def write(self: Diagnostics, work: Path) -> None:
        real(self, work)
        if any(_bad(source) > 0.2 * source.rows for source in self.sources):
            raise SourceError("sources: too many rows are bad. Clean them and run again.")

    Diagnostics.write = write  # type: ignore[method-assign]


def _bad(source: SourceCounts) -> int:
    return sum(n for why, n in source.set_aside.items() if why is not Reason.OUTSIDE_PERIOD)


def _counts_of_rows_in_the_output() -> None:
    real = release_command.say_done

    def say(folder: Path, plan: Any) -> None:
        real(folder, plan)
        told = json.loads((plan.spec.release.work / "diagnostics.json").read_text())
        sys.stdout.write(f"rows {sum(source['kept'] for source in told['sources'])}\n")

    release_command.say_done = say


PLANTS: dict[str, Callable[[], None]] = {
    "": lambda: None,
    "a status from row counts": _status_from_counts,
    "keys from the data": _keys_from_data,
    "a stop on bad rows": _stop_on_bad_rows,
    "counts of rows in the output": _counts_of_rows_in_the_output,
}


def _child(folder: str, anchors: str, plant: str, arguments: list[str]) -> int:
    os.chdir(folder)
    os.environ["MURMURATION_ANCHORS"] = anchors
    os.fsync = lambda _handle: None  # type: ignore[assignment]
    Mechanism.draw = _agreed  # type: ignore[method-assign,assignment]
    Threshold.draw = _agreed_cells  # type: ignore[method-assign,assignment]
    PLANTS[plant]()
    sys.argv = ["murmuration", *arguments]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _answer(asked: list[Any], files: Path) -> dict[str, Any]:
    paths = [files / "out", files / "err"]
    child = os.fork()
    if child == 0:
        for number, path in enumerate(paths, start=1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        code = 1
        try:
            code = _child(*asked)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    out, err = (path.read_text(encoding="utf-8") for path in paths)
    return {"code": os.waitstatus_to_exitcode(status), "out": out, "err": err}


if __name__ == "__main__":
    with TemporaryDirectory() as held:
        for line in sys.stdin:
            print(json.dumps(_answer(json.loads(line), Path(held))), flush=True)
