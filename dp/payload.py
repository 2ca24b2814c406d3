"""The stored bytes of a raw measurement: a line of JSON that says what it is, then the cells."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from dp.errors import LedgerFault

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from dp.keys import KeySet
    from dp.law import NoiseLaw

_FORMAT = "murmuration measurement 1"
_CELLS = np.dtype("<i8")


def describe(
    *,
    table: str,
    reads: tuple[dt.date, ...],
    keys: KeySet,
    law: NoiseLaw,
    threshold: int | None = None,
) -> dict[str, Any]:
    """Return the public facts that a stored measurement must agree with, as plain values.

    ``threshold``, in lattice units, is named only where one applies.
    """
    facts = {
        "format": _FORMAT,
        "table": table,
        "reads": [date.isoformat() for date in reads],
        "keys": keys.digest,
        "cells": keys.size,
        "kind": law.kind,
        "scale": law.scale.hex(),
        "factor": law.factor,
    }
    return facts if threshold is None else {**facts, "threshold": threshold}


def encode(facts: dict[str, Any], lattice: NDArray[np.int64]) -> bytes:
    """Return canonical bytes: equal measurements give equal bytes on every machine."""
    head = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    return head + b"\n" + lattice.astype(_CELLS).tobytes()


def decode(facts: dict[str, Any], payload: bytes) -> NDArray[np.int64]:
    """Return the lattice values of a stored measurement; int64, shape (cells,).

    Raises:
        LedgerFault: the bytes are no measurement, or one of other facts.
    """
    cells = _body(facts, payload)
    if len(cells) != facts["cells"] * _CELLS.itemsize:
        raise LedgerFault(_cut(facts))
    return np.frombuffer(cells, dtype=_CELLS).astype(np.int64)


def encode_sparse(
    facts: dict[str, Any], cells: NDArray[np.int64], lattice: NDArray[np.int64]
) -> bytes:
    """Return canonical bytes of released cells: their numbers, then their values."""
    return encode(facts, np.concatenate((cells, lattice)))


def decode_sparse(
    facts: dict[str, Any], payload: bytes
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (cells, lattice) of a stored threshold measurement; int64, shape (released,) each.

    Raises:
        LedgerFault: the bytes are no such measurement, or one of other facts.
    """
    body = _body(facts, payload)
    if len(body) % (2 * _CELLS.itemsize):
        raise LedgerFault(_cut(facts))
    both = np.frombuffer(body, dtype=_CELLS).astype(np.int64)
    return both[: both.size // 2], both[both.size // 2 :]


def _body(facts: dict[str, Any], payload: bytes) -> bytes:
    """Return what follows the line of facts, which must be these."""
    table = facts["table"]
    head, newline, cells = payload.partition(b"\n")
    try:
        found = json.loads(head)
    except ValueError:
        found = None
    if not newline or not isinstance(found, dict):
        raise LedgerFault(f"the stored measurement of {table} is damaged: run murmuration verify")
    wrong = sorted(name for name in {*facts, *found} if found.get(name) != facts.get(name))
    if wrong:
        raise LedgerFault(
            f"the stored measurement of {table} is another one: {', '.join(wrong)} differ. "
            "The charge key must name everything that a measurement depends on"
        )
    return cells


def _cut(facts: dict[str, Any]) -> str:
    return f"the stored measurement of {facts['table']} is cut: run murmuration verify"
