"""The door: booked before drawn, drawn once, and nothing passes that was not charged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from dp.bounds import Bounds
from dp.errors import BoundError, BudgetRefused, LedgerFault
from dp.keys import Key, KeySet
from dp.law import NoiseLaw
from dp.ledger import Charge, Ledger, Policy, ReleaseKey, Reservation
from dp.loss import Loss, Rho
from dp.measure import measure, recall
from dp.mechanisms import Mechanism, gaussian, laplace
from dp.payload import decode, describe, encode
from dp.tables import Bounded, Noisy
from dp.units import PrivacyUnit

DAY = dt.date(2026, 3, 2)
KEYS = KeySet(
    (Key("origin", tuple("abcdefgh")), Key("destination", tuple("abcdefgh"))),
    distinct=(("origin", "destination"),),
)
BOUNDS = Bounds(l0=4, l1=4, l2_squared=4, linf=2)
MECHANISM = gaussian(BOUNDS, Rho.of("1/60"))
SPANS = {DAY: (1_772_424_000, 1_772_510_400)}
RELEASE = ReleaseKey("d" * 64, "demo")


def _bounded(totals: np.ndarray | None = None) -> Bounded:
    if totals is None:
        totals = np.where(KEYS.measured, 1000, 0)
    return Bounded(
        table="od_flows", reads=(DAY,), keys=KEYS, bounds=BOUNDS, factor=1, totals=totals
    )


def _charge(mechanism: Mechanism = MECHANISM) -> Charge:
    return Charge(key="c" * 64, table="od_flows", reads=(DAY,), loss=mechanism.cost)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    policy = Policy(
        cap=Loss(Rho.of("1/30")),
        unit=PrivacyUnit(window_days=1, ids_per_person_per_date=1),
        time_zone="UTC",
        id_rotation="never",
        population=1000,
    )
    with Ledger.create(tmp_path / "t.ledger", policy, anchors=tmp_path / "anchors") as opened:
        yield opened


def _reserve(ledger: Ledger) -> Reservation:
    return ledger.reserve(RELEASE, [_charge()], spans=SPANS)[0]


def _measure(ledger: Ledger, reservation: Reservation) -> Noisy:
    with ledger.exclusive():
        return measure(_bounded(), mechanism=MECHANISM, reservation=reservation, ledger=ledger)


def _recall(ledger: Ledger, **changes: object) -> Noisy:
    facts = {"keys": KEYS, "law": MECHANISM.law, "reads": (DAY,), "table": "od_flows"} | changes
    return recall(_reserve(ledger), ledger=ledger, **facts)  # type: ignore[arg-type]


def test_a_measurement_carries_noise_in_measured_cells_only(ledger: Ledger) -> None:
    noisy = _measure(ledger, _reserve(ledger))
    assert not noisy.lattice[~KEYS.measured].any()
    noise = noisy.lattice[KEYS.measured] - 1000
    assert 3 < noise.std() < 25, "56 draws of sd 10.95"
    assert noisy.loss == MECHANISM.cost
    assert noisy.loss.rho <= Rho.of("1/60")


def test_what_was_drawn_is_recalled_byte_for_byte(ledger: Ledger) -> None:
    noisy = _measure(ledger, _reserve(ledger))
    again = _recall(ledger)
    assert np.array_equal(again.lattice, noisy.lattice)
    assert (again.loss, again.law, again.table) == (noisy.loss, noisy.law, noisy.table)


def test_nothing_is_drawn_twice(ledger: Ledger) -> None:
    reservation = _reserve(ledger)
    _measure(ledger, reservation)
    with pytest.raises(LedgerFault, match="noise is never drawn twice"):
        _measure(ledger, _reserve(ledger))
    with pytest.raises(LedgerFault):  # a stale reservation does not help
        _measure(ledger, reservation)


def test_nothing_is_recalled_before_it_is_drawn(ledger: Ledger) -> None:
    with pytest.raises(LedgerFault, match="nothing is stored yet"):
        _recall(ledger)


@pytest.mark.parametrize(
    "changes",
    [
        {"law": NoiseLaw("discrete_gaussian", 1.0)},
        {"table": "visits"},
        {"reads": (DAY, DAY + dt.timedelta(days=1))},
        {"keys": KeySet(KEYS.keys)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_measurement_of_other_facts_is_not_passed_off(
    ledger: Ledger, changes: dict[str, object]
) -> None:
    _measure(ledger, _reserve(ledger))
    with pytest.raises(LedgerFault, match="is another one"):
        _recall(ledger, **changes)


def test_a_changed_byte_in_the_store_is_refused(ledger: Ledger) -> None:
    _measure(ledger, _reserve(ledger))
    path = ledger.store.path("c" * 64, 1)
    payload = bytearray(path.read_bytes())
    payload[-1] ^= 1
    path.write_bytes(payload)
    with pytest.raises(LedgerFault):
        _recall(ledger)


def test_a_crash_inside_the_draw_is_charged_again_and_drawn_afresh(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object, **_more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Mechanism, "draw", dies)
        with pytest.raises(KeyboardInterrupt):
            _measure(ledger, _reserve(ledger))
    assert _reserve(ledger).state == "draw_started"
    _measure(ledger, _reserve(ledger))
    assert _reserve(ledger).attempt == 2
    with pytest.raises(BudgetRefused):  # both attempts were charged: the cap of 1/30 is reached
        ledger.reserve(
            ReleaseKey("e" * 64, "more"), [replace(_charge(), key="f" * 64)], spans=SPANS
        )


# the order, and what the door refuses before anything is booked


@dataclass
class _Recorder:
    """Writes down what the door asks of a ledger, in order."""

    calls: list[str] = field(default_factory=list)
    fails_at: str = ""

    @property
    def store(self) -> _Recorder:
        return self

    def _step(self, name: str) -> None:
        self.calls.append(name)
        if name == self.fails_at:
            raise OSError(name)

    def start_draw(self, reservation: Reservation) -> Reservation:
        self._step("start_draw")
        return replace(reservation, state="draw_started")

    def write(self, key: str, attempt: int, payload: bytes) -> str:
        self._step("write")
        assert (key, attempt) == ("c" * 64, 1)
        assert payload.startswith(b"{")
        return "a" * 64

    def read(self, key: str) -> bytes:
        raise NotImplementedError

    def book_drawn(self, reservation: Reservation, sha256: str) -> Reservation:
        self._step("book_drawn")
        assert (reservation.state, sha256) == ("draw_started", "a" * 64)
        return replace(reservation, state="drawn")


def _held(**changes: object) -> Reservation:
    held = Reservation(
        key="c" * 64, release_id="demo-0001", charge=_charge(), state="reserved", attempt=1
    )
    return replace(held, **changes)  # type: ignore[arg-type]


def _traced(monkeypatch: pytest.MonkeyPatch, recorder: _Recorder) -> None:
    draw = Mechanism.draw

    def noted(self: Mechanism, totals: np.ndarray, **more: int | None) -> np.ndarray:
        recorder._step("draw")
        return draw(self, totals, **more)

    monkeypatch.setattr(Mechanism, "draw", noted)


STEPS = ["start_draw", "draw", "write", "book_drawn"]


def test_steps_come_in_the_order_that_survives_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = _Recorder()
    _traced(monkeypatch, recorder)
    measure(_bounded(), mechanism=MECHANISM, reservation=_held(), ledger=recorder)
    assert recorder.calls == STEPS


@pytest.mark.parametrize("step", STEPS)
def test_a_fault_at_a_step_stops_there_and_releases_nothing(
    monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    recorder = _Recorder(fails_at=step)
    _traced(monkeypatch, recorder)
    with pytest.raises(OSError, match=step):
        measure(_bounded(), mechanism=MECHANISM, reservation=_held(), ledger=recorder)
    assert recorder.calls == STEPS[: STEPS.index(step) + 1]


@pytest.mark.parametrize(
    ("mechanism", "reservation", "match"),
    [
        (gaussian(BOUNDS.times(2), Rho.of("1/60")), _held(), "other bounds or factor"),
        (gaussian(BOUNDS, Rho.of("1/60"), 4096), _held(), "other bounds or factor"),
        (gaussian(BOUNDS, Rho.of("1/59")), _held(), "more than the rho 0.0166667 that was charged"),
        (laplace(BOUNDS, Rho.of("1/59")), _held(), "more than the rho 0.0166667 that was charged"),
        (MECHANISM, _held(charge=replace(_charge(), table="visits")), "another table"),
        (
            MECHANISM,
            _held(charge=replace(_charge(), reads=(DAY + dt.timedelta(days=1),))),
            "other dates",
        ),
    ],
)
def test_what_does_not_match_is_refused_before_anything_is_booked(
    mechanism: Mechanism, reservation: Reservation, match: str
) -> None:
    recorder = _Recorder()
    with pytest.raises(BoundError, match=match):
        measure(_bounded(), mechanism=mechanism, reservation=reservation, ledger=recorder)
    assert recorder.calls == []


@pytest.mark.parametrize("state", ["drawn", "settled", "void"])
def test_a_reservation_past_drawing_is_refused(state: str) -> None:
    recorder = _Recorder()
    with pytest.raises(LedgerFault, match=f"the reservation is {state}"):
        measure(_bounded(), mechanism=MECHANISM, reservation=_held(state=state), ledger=recorder)
    assert recorder.calls == []


# stored bytes

FACTS = describe(table="od_flows", reads=(DAY,), keys=KEYS, law=MECHANISM.law)
LATTICE = np.arange(64, dtype=np.int64) - (2**62)


def test_stored_bytes_are_canonical_and_come_back() -> None:
    payload = encode(FACTS, LATTICE)
    assert payload == encode(dict(reversed(FACTS.items())), LATTICE.copy())
    assert np.array_equal(decode(FACTS, payload), LATTICE)
    assert decode(FACTS, payload).flags.writeable
    assert payload.endswith((-(2**62) + 63).to_bytes(8, "little", signed=True))


@pytest.mark.parametrize(
    ("payload", "match"),
    [
        (b"", "is damaged"),
        (b"[]\n", "is damaged"),
        (b"not json\n", "is damaged"),
        (encode(FACTS, LATTICE)[:-1], "is cut"),
        (encode(FACTS, LATTICE) + b"\0" * 8, "is cut"),
        (encode(FACTS | {"cells": 3}, LATTICE), "cells differ"),
    ],
)
def test_damaged_bytes_are_refused(payload: bytes, match: str) -> None:
    with pytest.raises(LedgerFault, match=match):
        decode(FACTS, payload)
