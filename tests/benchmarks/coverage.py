"""Print how often the nominal 95% of each derived table holds the truth, on simulated releases.

``python tests/benchmarks/coverage.py [TIMES]``: TIMES as many draws as the tests take, 5 when left
out.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "pipelines" / "derived"))

from derived_cases import CASES, importation_held  # noqa: E402  found by the path above

SEED = 2026


def main() -> None:
    """Print one row for each case."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print("| derived table | 95% holds | intervals that are finite | cells |")
    print("|---|---|---|---|")
    for case in CASES:
        _print(case.name, *case.held(times=times * case.times, seed=SEED))
    with tempfile.TemporaryDirectory() as folder:
        _print("importation", *importation_held(Path(folder), worlds=420 * times, seed=SEED))


def _print(name: str, held: float, bounded: float, cells: int) -> None:
    print(f"| {name} | {held:.2%} | {bounded:.1%} | {cells:,} |", flush=True)


if __name__ == "__main__":
    main()
