"""Seconds and memory of noise for millions of cells, on one thread and on all cores.

    python tests/benchmarks/noise.py               # 4 million cells, about a minute
    python tests/benchmarks/noise.py --cells 500000

Each case runs in a process of its own. On a machine that others use too, read the CPU seconds: two
free cores take half of them.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

from dp.bounding import Weighting
from dp.loss import Rho
from dp.mechanisms import gaussian, laplace

MAKERS = {"gaussian": gaussian, "laplace": laplace}


def one(kind: str, cells: int, threads: int | None) -> None:
    """Draw once in this process and print its seconds, CPU seconds and memory."""
    rule = Weighting(cap=4, norm=1 if kind == "laplace" else 2)
    mechanism = MAKERS[kind](rule.bounds, Rho.of("1/60"), rule.factor)
    totals = np.zeros(cells, dtype=np.int64)
    mechanism.draw(totals[:100])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun, cpu = time.perf_counter(), _cpu()
    mechanism.draw(totals, threads=threads)
    seconds, spent = time.perf_counter() - begun, _cpu() - cpu
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"seconds": seconds, "cpu": spent, "mb": more}))


def _cpu() -> float:
    """Seconds of processor of this process and of those that it started and that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=4_000_000)
    parser.add_argument("--one", nargs=2)
    given = parser.parse_args()
    if given.one:
        kind, threads = given.one
        one(kind, given.cells, int(threads) or None)
        return
    print("| noise | threads | seconds | CPU seconds | cells per CPU second | added peak MB |")
    print("|---|---|---|---|---|---|")
    for kind, threads in (("gaussian", "0"), ("gaussian", "1"), ("laplace", "0")):
        command = [sys.executable, __file__, "--cells", str(given.cells), "--one", kind, threads]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = json.loads(out)
        print(
            f"| {kind} | {'one' if threads == '1' else 'every core'} | {found['seconds']:.1f} | "
            f"{found['cpu']:.1f} | {given.cells / found['cpu']:,.0f} | {found['mb']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
