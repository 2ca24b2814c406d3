"""The budget ledger: charged before noise is drawn, hash-chained, windowed."""

from __future__ import annotations

from dp.ledger.entries import Head
from dp.ledger.ledger import Ledger
from dp.ledger.past import Standing
from dp.ledger.policy import Policy, rotation_dates
from dp.ledger.records import Charge, ReleaseKey, Reservation
from dp.ledger.store import MeasurementStore
from dp.ledger.verify import verify

__all__ = [
    "Charge",
    "Head",
    "Ledger",
    "MeasurementStore",
    "Policy",
    "ReleaseKey",
    "Reservation",
    "Standing",
    "rotation_dates",
    "verify",
]
