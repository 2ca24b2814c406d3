"""A process that spends until it is refused: python _spender.py LEDGER ANCHORS NAME DRAWS."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from _ledgers import charge_of, dates, reserve

from dp.errors import BudgetRefused
from dp.ledger import Ledger


def spend(path: Path, anchors: Path, name: str, draws: Path) -> int:
    """Reserve, and draw now and then, until a window is full; return how many were granted."""
    granted = 0
    with Ledger.open(path, anchors=anchors) as ledger:
        while True:
            charge = charge_of(*dates(granted % 5), rho="1/60", table=name, issue=granted)
            try:
                (booked,) = reserve(ledger, [charge], name=f"{name} {granted}")
            except BudgetRefused:
                return granted
            granted += 1
            if granted % 3 == 0:
                with ledger.exclusive():
                    started = ledger.start_draw(booked)
                    with draws.open("a") as file:
                        file.write(f"{booked.key}\n")
                    sha256 = ledger.store.write(started.key, started.attempt, b"noisy")
                    ledger.book_drawn(started, sha256)


if __name__ == "__main__":
    print(spend(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])))
