"""The one door: nothing leaves the private side but through ``measure`` (``measure.md``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from dp.errors import BoundError, LedgerFault
from dp.payload import decode, describe, encode
from dp.tables import Noisy

if TYPE_CHECKING:
    import datetime as dt

    from dp.keys import KeySet
    from dp.law import NoiseLaw
    from dp.ledger.records import Reservation
    from dp.mechanisms import Mechanism
    from dp.tables import Bounded


class Store(Protocol):
    """Where raw measurements are kept: written once, synced, read back hash-checked."""

    def write(self, key: str, attempt: int, payload: bytes) -> str:
        """Store and sync; return the SHA-256 of the bytes."""
        ...

    def read(self, key: str) -> bytes:
        """Return the bytes whose hash was booked for this key."""
        ...


class Books(Protocol):
    """What the door needs of a ledger."""

    @property
    def store(self) -> Store:
        """The private store of raw measurements."""
        ...

    def start_draw(self, reservation: Reservation) -> Reservation:
        """Book, synced, that noise may now exist; charge again after a crash inside a draw."""
        ...

    def book_drawn(self, reservation: Reservation, sha256: str) -> Reservation:
        """Book that the measurement is stored: it is never drawn again."""
        ...


def measure(
    bounded: Bounded, *, mechanism: Mechanism, reservation: Reservation, ledger: Books
) -> Noisy:
    """Add noise to a bounded table, once, and only for a charge that is booked.

    The order is what makes a crash safe: the start is booked, then noise is drawn, then the raw
    measurement is stored and synced, then its hash is booked. Structural zeros get no noise.

    Privacy: costs what the reservation charged, at least ``mechanism.cost``.

    Args:
        bounded: Totals whose sensitivity to one person is proven.
        mechanism: Made for exactly these bounds and this factor.
        reservation: A booked charge for this table and these dates, in state "reserved" or, after
            a crash, "draw_started".
        ledger: Where it was booked.

    Returns:
        The measurement, whose loss is what was charged.

    Raises:
        BoundError: bounds, factor, table, dates or price do not match. Nothing was drawn.
        LedgerFault: the reservation is past drawing: use ``recall``.
    """
    _check_match(bounded, mechanism, reservation)
    if reservation.state not in ("reserved", "draw_started"):
        raise LedgerFault(
            f"{bounded.table}: the reservation is {reservation.state}, noise is never drawn twice: "
            "recall the stored measurement"
        )
    facts = describe(table=bounded.table, reads=bounded.reads, keys=bounded.keys, law=mechanism.law)
    measured = bounded.keys.measured
    lattice = np.zeros(bounded.keys.size, dtype=np.int64)

    started = ledger.start_draw(reservation)
    lattice[measured] = mechanism.draw(bounded.totals[measured])
    sha256 = ledger.store.write(started.key, started.attempt, encode(facts, lattice))
    ledger.book_drawn(started, sha256)
    return Noisy(
        table=bounded.table,
        reads=bounded.reads,
        keys=bounded.keys,
        law=mechanism.law,
        loss=reservation.charge.loss,
        lattice=lattice,
    )


def recall(
    reservation: Reservation,
    *,
    ledger: Books,
    keys: KeySet,
    law: NoiseLaw,
    reads: tuple[dt.date, ...],
    table: str,
) -> Noisy:
    """Return a measurement that was drawn before, from the store. Costs nothing.

    Args:
        reservation: The charge, in state "drawn" or "settled".
        ledger: Where it was booked.
        keys: The public key set.
        law: The law of the noise, as planned.
        reads: The dates that it read.
        table: Name of the table.

    Raises:
        LedgerFault: nothing was drawn yet, or the stored bytes are damaged or of other facts.
    """
    if reservation.state not in ("drawn", "settled"):
        raise LedgerFault(f"{table}: nothing is stored yet, the reservation is {reservation.state}")
    facts = describe(table=table, reads=reads, keys=keys, law=law)
    lattice = decode(facts, ledger.store.read(reservation.key))
    return Noisy(
        table=table, reads=reads, keys=keys, law=law, loss=reservation.charge.loss, lattice=lattice
    )


def _check_match(bounded: Bounded, mechanism: Mechanism, reservation: Reservation) -> None:
    """Refuse where table, bounds, mechanism and charge were not made for each other."""
    charge = reservation.charge
    if mechanism.bounds != bounded.bounds or mechanism.law.factor != bounded.factor:
        raise BoundError(f"{bounded.table}: the mechanism was made for other bounds or factor")
    if (charge.table, charge.reads) != (bounded.table, bounded.reads):
        raise BoundError(f"{bounded.table}: the charge names another table or other dates")
    if not mechanism.cost.fits(charge.loss):
        raise BoundError(
            f"{bounded.table}: the noise costs rho {float(mechanism.cost.rho):g}, more than the "
            f"{float(charge.loss.rho):g} that was charged: plan again"
        )
