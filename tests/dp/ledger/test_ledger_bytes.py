"""No byte of a ledger file changes unnoticed."""

from __future__ import annotations

from pathlib import Path

import pytest
from _ledgers import daily, draw, reserve, sha

from dp.errors import LedgerFault
from dp.ledger import Ledger, verify


def test_any_changed_byte_is_refused_at_opening_and_found_by_verify(
    ledger: Ledger, anchors: Path
) -> None:
    booked = reserve(ledger, daily(0, 2))
    with ledger.exclusive():
        for reservation in booked:
            draw(ledger, reservation)
        ledger.settle(booked[0].release_id, sha("m"))
    sound = ledger.path.read_bytes()
    sample = {*range(100), *range(100, len(sound), 23)}
    for at in sorted(sample):
        for bit in (1, 0x80):
            changed = bytearray(sound)
            changed[at] ^= bit
            ledger.path.write_bytes(changed)
            if bit == 1:
                assert verify(ledger.path, anchors), f"byte {at} changed unnoticed"
            with pytest.raises(LedgerFault):
                Ledger.open(ledger.path, anchors=anchors)
    ledger.path.write_bytes(sound)
    assert verify(ledger.path, anchors) == []
    assert Ledger.open(ledger.path, anchors=anchors).settled(booked[0].release_id) == sha("m")


def test_a_ledger_cut_at_any_length_is_refused_and_found(ledger: Ledger, anchors: Path) -> None:
    reserve(ledger, daily(0, 2))
    sound = ledger.path.read_bytes()
    for length in range(0, len(sound), 211):
        ledger.path.write_bytes(sound[:length])
        assert verify(ledger.path, anchors)
        with pytest.raises(LedgerFault):
            Ledger.open(ledger.path, anchors=anchors)
