"""Print the RMSE table of flow estimates on real matrices.

``python tests/benchmarks/for_models.py``; the folder of real data is
MURMURATION_REALDATA, else ../shared/data beside the repository.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "realdata"))

from flow_matrices import compared, matrices  # noqa: E402  found by the path above

SEEDS = range(3)


def main() -> None:
    """Print one row for each matrix and noise, each the mean of three draws of noise."""
    folder = Path(os.environ.get("MURMURATION_REALDATA") or ROOT.parent / "shared" / "data")
    names = ("raw", "clipped", "threshold", "ours")
    print("| flows | sd | raw | clipped | 3 sd | ours | under 20: clipped | 3 sd | ours |", end="")
    print(" total: clipped | 3 sd | ours | 95% holds | flows above 0 | by draws | exactly 0 |")
    print("|---|" + "---|" * 15)
    for one in matrices(folder):
        for sd in (5.0, 17.0, 50.0):
            runs = [compared(one, sd=sd, seed=seed) for seed in SEEDS]
            mean = {name: float(np.mean([run[name] for run in runs])) for name in runs[0]}
            cells = [f"{mean[name]:.2f}" for name in names]
            cells += [f"{mean[f'{name} small']:.2f}" for name in names[1:]]
            cells += [f"{mean[f'{name} total']:+.2%}" for name in names[1:]]
            held = ("covered", "covered above 0", "drawn", "empty")
            cells += [f"{mean[name]:.1%}" for name in held]
            print(f"| {one.name} | {sd:g} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
