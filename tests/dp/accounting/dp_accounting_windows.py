"""Values of dp-accounting for composition over windows; run it where dp-accounting is installed.

    python -m venv env && env/bin/pip install dp-accounting==0.6.0
    env/bin/python tests/dp/accounting/dp_accounting_windows.py > dp_accounting_windows.json

Nothing of this project is imported. For each window of dates the charges that read one of its dates
are composed by dp-accounting's own accountant; the window that is worst by its epsilon is kept.
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np

DELTA = 1e-6
DATES = 56
CHARGES: list[dict[str, Any]] = [
    *({"reads": [d], "rho": "3/200"} for d in range(DATES)),
    *({"reads": [d], "rho": "1/700"} for d in range(0, DATES, 2)),
    *({"reads": [*range(d, d + 7)], "rho": "1/50"} for d in range(0, DATES, 7)),
    {"reads": [*range(10, 38)], "rho": "1/9"},
    {"reads": [3, 30, 55], "rho": "1/20"},
]


def epsilon_of(met: list[dict[str, Any]]) -> float:
    """Compose the charges of one window and ask for its epsilon."""
    from dp_accounting import dp_event, rdp  # tests collect this file where it is not installed

    accountant = rdp.RdpAccountant(list(1 + np.geomspace(1e-3, 1e5, 20_000)))
    for charge in met:
        accountant.compose(dp_event.ZCDpEvent(float(Fraction(charge["rho"]))))
    return float(accountant.get_epsilon(DELTA))


def worst(days: int) -> dict[str, Any]:
    """Return the worst window of so many dates by trying each."""
    found = []
    for first in range(1 - days, DATES):
        dates = set(range(first, first + days))
        met = [charge for charge in CHARGES if dates & set(charge["reads"])]
        found.append((epsilon_of(met), first))
    epsilon, first = max(found)
    return {"days": days, "first": first, "zcdp_epsilon": epsilon}


if __name__ == "__main__":
    print(
        json.dumps(
            {
                "source": "dp-accounting 0.6.0",
                "how": "dp_accounting_windows.py: rdp.RdpAccountant of the ZCDpEvents that meet "
                "each window, 20000 orders 1 + geomspace(1e-3, 1e5); the worst window is kept",
                "delta": DELTA,
                "charges": CHARGES,
                "worst": [worst(days) for days in (1, 7, 30, 56)],
            },
            indent=1,
        )
    )
