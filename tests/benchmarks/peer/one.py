"""Run one peer in its own environment: ``python one.py PEER.py VISITS.parquet``.

Imports and session starts are not timed; reading the file is. A peer runs twice, a quick one more
often and a slow one once, and the best run counts. Needs the standard library alone.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import sys
import time

ENOUGH_S, SLOW_S, TWICE = 5.0, 60.0, 2


def main(peer: str, file: str) -> None:
    spec = importlib.util.spec_from_file_location("peer", peer)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    work = module.load()
    runs: list[tuple[float, float]] = []
    begun, cells = time.perf_counter(), 0
    while _again(time.perf_counter() - begun, len(runs)):
        start, cpu = time.perf_counter(), time.process_time()
        cells = work(file)
        runs.append((time.perf_counter() - start, time.process_time() - cpu))
    seconds, spent = min(runs)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if getattr(module, "OUTSIDE", False):  # the work is another process's
        spent = peak = None
    print(json.dumps({"seconds": seconds, "cpu": spent, "cells": cells, "mb": peak}))


def _again(passed: float, runs: int) -> bool:
    return passed < ENOUGH_S or (runs < TWICE and passed < SLOW_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
