"""The one door: nothing leaves the private side but through ``measure`` (``measure.md``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from dp.errors import BoundError, LedgerFault
from dp.payload import decode, decode_sparse, describe, encode, encode_sparse
from dp.sparse import NoisySparse
from dp.tables import Noisy

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dp.keys import KeySet
    from dp.law import NoiseLaw
    from dp.ledger.records import Reservation
    from dp.loss import Loss
    from dp.mechanisms import Mechanism, Threshold
    from dp.sparse import SparseBounded
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
    bounded: Bounded,
    *,
    mechanism: Mechanism,
    reservation: Reservation,
    ledger: Books,
    threads: int | None = None,
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
        threads: Cores to draw on, at most; None for all. Changes no law.

    Returns:
        The measurement, whose loss is what was charged.

    Raises:
        BoundError: bounds, factor, table, dates or price do not match. Nothing was drawn.
        LedgerFault: the reservation is past drawing: use ``recall``.
    """
    _check_match(bounded, mechanism, reservation)
    facts = describe(table=bounded.table, reads=bounded.reads, keys=bounded.keys, law=mechanism.law)
    measured = bounded.keys.measured
    lattice = np.zeros(bounded.keys.size, dtype=np.int64)

    def draw() -> bytes:
        lattice[measured] = mechanism.draw(bounded.totals[measured], threads=threads)
        return encode(facts, lattice)

    _once(draw, reservation=reservation, ledger=ledger)
    return Noisy(
        table=bounded.table,
        reads=bounded.reads,
        keys=bounded.keys,
        law=mechanism.law,
        loss=reservation.charge.loss,
        lattice=lattice,
    )


def measure_sparse(
    bounded: SparseBounded,
    *,
    mechanism: Threshold,
    reservation: Reservation,
    ledger: Books,
    threads: int | None = None,
) -> NoisySparse:
    """Add noise to the listed cells and release those that reach the threshold.

    The order and the refusals are those of ``measure``. Only released cells are stored.

    Privacy: costs what the reservation charged, at least ``mechanism.cost``, a delta included.

    Args:
        bounded: The cells that hold anything, whose sensitivity to one person is proven.
        mechanism: Made for exactly these bounds and this factor.
        reservation: As for ``measure``.
        ledger: Where it was booked.
        threads: Cores to draw on, at most; None for all. Changes no law.

    Raises:
        BoundError: bounds, factor, table, dates or price do not match. Nothing was drawn.
        LedgerFault: the reservation is past drawing: use ``recall_sparse``.
    """
    _check_match(bounded, mechanism, reservation)
    facts = _sparse_facts(bounded.table, bounded.reads, bounded.keys, mechanism)
    kept: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []

    def draw() -> bytes:
        kept.append(mechanism.draw(bounded.cells, bounded.totals, threads=threads))
        return encode_sparse(facts, *kept[0])

    _once(draw, reservation=reservation, ledger=ledger)
    cells, lattice = kept[0]
    return NoisySparse(
        table=bounded.table,
        reads=bounded.reads,
        keys=bounded.keys,
        law=mechanism.law,
        threshold=mechanism.threshold,
        loss=reservation.charge.loss,
        cells=cells,
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
    _check_drawn(reservation, table)
    facts = describe(table=table, reads=reads, keys=keys, law=law)
    lattice = decode(facts, ledger.store.read(reservation.key))
    return Noisy(
        table=table, reads=reads, keys=keys, law=law, loss=reservation.charge.loss, lattice=lattice
    )


def recall_sparse(
    reservation: Reservation,
    *,
    ledger: Books,
    keys: KeySet,
    mechanism: Threshold,
    reads: tuple[dt.date, ...],
    table: str,
) -> NoisySparse:
    """Return a threshold measurement that was drawn before, from the store. Costs nothing.

    Args:
        reservation: The charge, in state "drawn" or "settled".
        ledger: Where it was booked.
        keys: The public key set.
        mechanism: The noise and the threshold, as planned.
        reads: The dates that it read.
        table: Name of the table.

    Raises:
        LedgerFault: nothing was drawn yet, or the stored bytes are damaged or of other facts.
    """
    _check_drawn(reservation, table)
    facts = _sparse_facts(table, reads, keys, mechanism)
    cells, lattice = decode_sparse(facts, ledger.store.read(reservation.key))
    return NoisySparse(
        table=table,
        reads=reads,
        keys=keys,
        law=mechanism.law,
        threshold=mechanism.threshold,
        loss=reservation.charge.loss,
        cells=cells,
        lattice=lattice,
    )


def _once(draw: Callable[[], bytes], *, reservation: Reservation, ledger: Books) -> None:
    """Book the start, draw, store and sync, book the hash: the one order, for every mechanism."""
    if reservation.state not in ("reserved", "draw_started"):
        raise LedgerFault(
            f"{reservation.charge.table}: the reservation is {reservation.state}, noise is never "
            "drawn twice: recall the stored measurement"
        )
    started = ledger.start_draw(reservation)
    sha256 = ledger.store.write(started.key, started.attempt, draw())
    ledger.book_drawn(started, sha256)


def _sparse_facts(
    table: str, reads: tuple[dt.date, ...], keys: KeySet, mechanism: Threshold
) -> dict[str, Any]:
    return describe(
        table=table, reads=reads, keys=keys, law=mechanism.law, threshold=mechanism.threshold
    )


def _check_drawn(reservation: Reservation, table: str) -> None:
    if reservation.state not in ("drawn", "settled"):
        raise LedgerFault(f"{table}: nothing is stored yet, the reservation is {reservation.state}")


def _check_match(
    bounded: Bounded | SparseBounded, mechanism: Mechanism | Threshold, reservation: Reservation
) -> None:
    """Refuse where table, bounds, mechanism and charge were not made for each other."""
    charge = reservation.charge
    if mechanism.bounds != bounded.bounds or mechanism.law.factor != bounded.factor:
        raise BoundError(f"{bounded.table}: the mechanism was made for other bounds or factor")
    if (charge.table, charge.reads) != (bounded.table, bounded.reads):
        raise BoundError(f"{bounded.table}: the charge names another table or other dates")
    if not mechanism.cost.fits(charge.loss):
        raise BoundError(
            f"{bounded.table}: the noise costs {_said(mechanism.cost)}, more than the "
            f"{_said(charge.loss)} that was charged: plan again"
        )


def _said(loss: Loss) -> str:
    delta = f" and delta {float(loss.delta):g}" if loss.delta else ""
    return f"rho {float(loss.rho):g}{delta}"
