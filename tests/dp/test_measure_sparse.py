"""The door for keys found in the data: the same order and price, nothing below the threshold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dp.bounding import Sampling
from dp.errors import BoundError, BudgetRefused, LedgerFault
from dp.keys import Key, KeySet
from dp.ledger import Charge, Ledger, Policy, ReleaseKey, Reservation
from dp.loss import Loss, Rho
from dp.measure import measure_sparse, recall, recall_sparse
from dp.mechanisms import Threshold, threshold
from dp.payload import decode_sparse, describe, encode_sparse
from dp.sparse import NoisySparse, SparseBounded
from dp.units import PrivacyUnit

DAY = dt.date(2026, 3, 2)
PLACES = tuple(f"z{i}" for i in range(60_000))
KEYS = KeySet(
    (Key("origin", PLACES), Key("destination", PLACES)), distinct=(("origin", "destination"),)
)
"""3.6 billion cells: a dense vector of them would take 29 GB."""
BOUNDS = Sampling(4, bytes(32)).bounds
ALLOTTED = Loss(Rho.of("1/60"), Fraction("1e-9"))
MECHANISM = threshold(BOUNDS, ALLOTTED)
SPANS = {DAY: (1_772_424_000, 1_772_510_400)}
RELEASE = ReleaseKey("d" * 64, "demo")
LARGE = np.array([1, 70_000, 3_599_999_997], dtype=np.int64)
SMALL = np.arange(120_010, 120_400, dtype=np.int64)
Ints = NDArray[np.int64]


def _bounded(cells: Ints | None = None, totals: Ints | None = None) -> SparseBounded:
    if cells is None or totals is None:
        cells = np.sort(np.concatenate((LARGE, SMALL)))
        totals = np.where(np.isin(cells, LARGE), 1000, 1)
    return SparseBounded(
        table="od_flows",
        reads=(DAY,),
        keys=KEYS,
        bounds=BOUNDS,
        factor=1,
        cells=cells,
        totals=totals,
    )


def _charge(mechanism: Threshold = MECHANISM) -> Charge:
    return Charge(key="c" * 64, table="od_flows", reads=(DAY,), loss=mechanism.cost)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    policy = Policy(
        cap=Loss(Rho.of("1/10"), 2 * ALLOTTED.delta),
        unit=PrivacyUnit(window_days=1, ids_per_person_per_date=1),
        time_zone="UTC",
        id_rotation="never",
        population=1000,
    )
    with Ledger.create(tmp_path / "t.ledger", policy, anchors=tmp_path / "anchors") as opened:
        yield opened


def _reserve(ledger: Ledger, charge: Charge | None = None) -> Reservation:
    return ledger.reserve(RELEASE, [charge or _charge()], spans=SPANS)[0]


def _measure(ledger: Ledger) -> NoisySparse:
    with ledger.exclusive():
        return measure_sparse(
            _bounded(), mechanism=MECHANISM, reservation=_reserve(ledger), ledger=ledger
        )


def _recall(ledger: Ledger, **changes: object) -> NoisySparse:
    facts = {"keys": KEYS, "mechanism": MECHANISM, "reads": (DAY,), "table": "od_flows"} | changes
    return recall_sparse(_reserve(ledger), ledger=ledger, **facts)  # type: ignore[arg-type]


def test_large_cells_leave_with_noise_and_small_ones_stay(ledger: Ledger) -> None:
    noisy = _measure(ledger)
    assert noisy.cells.tolist() == LARGE.tolist()
    assert 0 < np.abs(noisy.values - 1000).max() < 100
    assert noisy.least == MECHANISM.threshold
    assert noisy.loss == MECHANISM.cost


def test_delta_is_charged_and_capped(ledger: Ledger) -> None:
    _measure(ledger)
    assert 0 < _charge().loss.delta <= ALLOTTED.delta
    (spend,) = ledger.spends()
    assert spend.loss == MECHANISM.cost
    keys = [replace(_charge(), key=mark * 64) for mark in "abe"]
    with pytest.raises(BudgetRefused, match="delta"):  # rho alone would fit
        ledger.reserve(ReleaseKey("e" * 64, "more"), keys, spans=SPANS)


def test_what_was_drawn_is_recalled_byte_for_byte_and_never_drawn_again(ledger: Ledger) -> None:
    noisy, again = _measure(ledger), _recall(ledger)
    assert np.array_equal(again.cells, noisy.cells)
    assert np.array_equal(again.lattice, noisy.lattice)
    assert (again.loss, again.law, again.threshold) == (noisy.loss, noisy.law, noisy.threshold)
    with pytest.raises(LedgerFault, match="never drawn twice"):
        _measure(ledger)


def test_the_store_holds_nothing_of_cells_below_the_threshold(ledger: Ledger) -> None:
    _measure(ledger)
    head, _, body = ledger.store.path("c" * 64, 1).read_bytes().partition(b"\n")
    assert len(body) == LARGE.size * 16
    assert b"threshold" in head


@pytest.mark.parametrize(
    "changes",
    [
        {"mechanism": Threshold(MECHANISM.noise, MECHANISM.threshold + 1)},
        {"mechanism": threshold(BOUNDS, replace(ALLOTTED, rho=Rho.of("1/61")))},
        {"table": "visits"},
        {"reads": (DAY, DAY + dt.timedelta(days=1))},
        {"keys": KeySet(KEYS.keys)},
    ],
)
def test_a_measurement_of_other_facts_is_not_passed_off(
    ledger: Ledger, changes: dict[str, object]
) -> None:
    _measure(ledger)
    with pytest.raises(LedgerFault, match="is another one"):
        _recall(ledger, **changes)


def test_it_is_not_passed_off_as_a_dense_measurement(ledger: Ledger) -> None:
    _measure(ledger)
    with pytest.raises(LedgerFault, match="threshold differ"):
        recall(
            _reserve(ledger),
            ledger=ledger,
            keys=KEYS,
            law=MECHANISM.law,
            reads=(DAY,),
            table="od_flows",
        )


def test_nothing_is_recalled_before_it_is_drawn(ledger: Ledger) -> None:
    with pytest.raises(LedgerFault, match="nothing is stored yet"):
        _recall(ledger)


def test_a_crash_inside_the_draw_is_charged_again_with_its_delta(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object, **_more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Threshold, "draw", dies)
        with pytest.raises(KeyboardInterrupt):
            _measure(ledger)
    _measure(ledger)
    assert _reserve(ledger).attempt == 2
    assert ledger.windows(1).delta == 2 * MECHANISM.cost.delta


@dataclass
class _Recorder:
    calls: list[str] = field(default_factory=list)

    @property
    def store(self) -> _Recorder:
        return self

    def start_draw(self, reservation: Reservation) -> Reservation:
        self.calls.append("start_draw")
        return replace(reservation, state="draw_started")

    def write(self, key: str, attempt: int, payload: bytes) -> str:
        self.calls.append("write")
        return "a" * 64

    def read(self, key: str) -> bytes:
        raise NotImplementedError

    def book_drawn(self, reservation: Reservation, sha256: str) -> Reservation:
        self.calls.append("book_drawn")
        return reservation


def _held(charge: Charge) -> Reservation:
    return Reservation(
        key="c" * 64, release_id="demo-0001", charge=charge, state="reserved", attempt=1
    )


def test_steps_come_in_the_order_that_survives_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, draw = _Recorder(), Threshold.draw

    def noted(self: Threshold, cells: Ints, totals: Ints, **more: int | None) -> tuple[Ints, Ints]:
        recorder.calls.append("draw")
        return draw(self, cells, totals, **more)

    monkeypatch.setattr(Threshold, "draw", noted)
    measure_sparse(_bounded(), mechanism=MECHANISM, reservation=_held(_charge()), ledger=recorder)
    assert recorder.calls == ["start_draw", "draw", "write", "book_drawn"]


@pytest.mark.parametrize(
    ("mechanism", "charge", "match"),
    [
        (MECHANISM, replace(_charge(), loss=Loss(ALLOTTED.rho)), "and delta .* more than"),
        (MECHANISM, replace(_charge(), loss=Loss(Rho.of("1/99"), ALLOTTED.delta)), "more than"),
        (MECHANISM, replace(_charge(), table="visits"), "another table"),
        (threshold(BOUNDS.times(2), ALLOTTED), _charge(), "other bounds"),
        (threshold(BOUNDS, ALLOTTED, 8), _charge(), "other bounds or factor"),
    ],
)
def test_what_does_not_match_is_refused_before_anything_is_booked(
    mechanism: Threshold, charge: Charge, match: str
) -> None:
    recorder = _Recorder()
    with pytest.raises(BoundError, match=match):
        measure_sparse(_bounded(), mechanism=mechanism, reservation=_held(charge), ledger=recorder)
    assert recorder.calls == []


# the nouns


@pytest.mark.parametrize(
    ("cells", "totals", "match"),
    [
        ([2, 1], [1, 1], "must ascend"),
        ([1, 1], [1, 1], "must ascend"),
        ([1], [0], "not above 0"),
        ([1], [-3], "not above 0"),
        ([1, 2], [1], "one value"),
        ([-1], [1], "outside its key set"),
        ([3_600_000_000], [1], "outside its key set"),
        ([0], [1], "structural zero"),
        ([60_001], [1], "structural zero"),
    ],
)
def test_listed_cells_that_cannot_be_are_refused(
    cells: list[int], totals: list[int], match: str
) -> None:
    with pytest.raises(BoundError, match=match):
        _bounded(np.array(cells, dtype=np.int64), np.array(totals, dtype=np.int64))


def test_only_flat_int64_vectors_are_taken() -> None:
    with pytest.raises(BoundError, match="flat int64"):
        _bounded(np.array([1.0]), np.array([1]))  # type: ignore[arg-type]
    with pytest.raises(BoundError, match="flat int64"):
        _bounded(np.array([[1]]), np.array([[1]]))


def test_a_value_below_the_threshold_is_never_a_measurement(ledger: Ledger) -> None:
    noisy = _measure(ledger)
    with pytest.raises(BoundError, match="below the threshold"):
        replace(noisy, lattice=np.full(3, MECHANISM.threshold - 1))


def test_private_cells_stay_out_of_words() -> None:
    assert "70000" not in repr(_bounded())
    assert "1000" not in repr(_bounded()).replace(repr(KEYS), "")


def test_sparse_codes_and_masks_are_the_dense_ones() -> None:
    small = KeySet(
        (Key("a", ("x", "y", "z")), Key("n", (4, 5)), Key("b", ("z", "w", "x"))),
        distinct=(("a", "b"),),
    )
    cells = np.arange(small.size, dtype=np.int64)
    assert np.array_equal(small.measured_at(cells), small.measured)
    for name in small.names:
        assert np.array_equal(small.codes_at(name, cells), small.codes(name))
    some = np.array([17, 3, 3])
    assert np.array_equal(small.measured_at(some), small.measured[some])


# stored bytes

FACTS = describe(table="t", reads=(DAY,), keys=KEYS, law=MECHANISM.law, threshold=71)


@pytest.mark.parametrize("released", [0, 1, 5])
def test_stored_cells_come_back(released: int) -> None:
    cells = np.arange(released, dtype=np.int64) * 2**31
    values = -cells - 5
    back = decode_sparse(FACTS, encode_sparse(FACTS, cells, values))
    assert np.array_equal(back[0], cells)
    assert np.array_equal(back[1], values)


def test_cut_bytes_are_refused() -> None:
    payload = encode_sparse(FACTS, LARGE, LARGE)
    for cut in (payload[:-1], payload[:-8], payload + b"\0" * 8):
        with pytest.raises(LedgerFault, match="is cut"):
            decode_sparse(FACTS, cut)
    with pytest.raises(LedgerFault, match="is damaged"):
        decode_sparse(FACTS, b"")
