"""``verify`` finds what breaks a rule even where every hash and the anchor agree."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from _ledgers import (
    charge_of,
    daily,
    dates,
    draw,
    extend_by_hand,
    policy_of,
    reserve,
    sha,
    spans_of,
)

from dp.errors import LedgerBusy, LedgerFault
from dp.ledger import Charge, Ledger, verify
from dp.ledger.entries import Kind, Plain
from dp.ledger.state import Book


def _reserved(charges: list[Charge], *, number: int = 2, spans: bool = True) -> tuple[Kind, Plain]:
    release = {
        "digest": sha(f"forged {number}"),
        "id": f"forged-{number:04d}",
        "keys": [c.key for c in charges],
    }
    days = {day.isoformat(): list(span) for day, span in spans_of(charges).items()}
    return "reserved", {
        "release": release,
        "charges": [c.as_dict() for c in charges],
        "spans": days if spans else {},
    }


KEY = charge_of(*dates(0)).key
FORGED: dict[str, tuple[list[tuple[Kind, Plain]], str]] = {
    "a charge beyond the cap": (
        [_reserved([charge_of(*dates(1), rho="1/2")])],
        "charges 29 windows beyond their cap",
    ),
    "a redraw beyond the cap": (
        [
            _reserved([charge_of(*dates(1), rho="19/60")]),
            ("draw_started", {"key": charge_of(*dates(1), rho="19/60").key, "attempt": 1}),
            ("draw_started", {"key": charge_of(*dates(1), rho="19/60").key, "attempt": 2}),
        ],
        "windows beyond their cap",
    ),
    "a charge twice": ([_reserved(daily(0, 1))], "booked twice"),
    "a release out of order": ([_reserved(daily(1, 1), number=7)], "out of order"),
    "no spans": ([_reserved(daily(9, 1), spans=False)], "span is not booked"),
    "drawn without a start": (
        [("drawn", {"key": KEY, "attempt": 1, "sha256": sha("x")})],
        "no draw of attempt 1 is under way",
    ),
    "a skipped attempt": (
        [("draw_started", {"key": KEY, "attempt": 2})],
        "is at attempt 1",
    ),
    "settled without a draw": (
        [("settled", {"release": "daily-mobility-0001", "manifest": sha("m")})],
        "not drawn yet",
    ),
    "a looser policy": (
        [("amended", {"policy": policy_of(rho="9").as_dict(), "reason": "x", "spans": {}})],
        "only tighten",
    ),
    "an unknown kind": ([("forgiven", {"key": KEY})], "does not know this kind"),  # type: ignore[list-item]
    "a payload without its fields": ([("voided", {})], "cannot be read"),
    "a second creation": ([("created", {})], "does not know this kind"),
}


@pytest.mark.parametrize(("steps", "said"), FORGED.values(), ids=FORGED.keys())
def test_a_well_hashed_entry_that_breaks_a_rule_is_found(
    ledger: Ledger, anchors: Path, steps: list[tuple[Kind, Plain]], said: str
) -> None:
    reserve(ledger, daily(0, 1))
    assert verify(ledger.path, anchors) == []
    extend_by_hand(ledger.path, anchors, steps)
    findings = verify(ledger.path, anchors)
    assert any(said in text for text in findings), findings
    if "beyond" not in said:
        with pytest.raises(LedgerFault, match=said):
            Ledger.open(ledger.path, anchors=anchors)


def test_two_ways_of_adding_up_must_agree(
    ledger: Ledger, anchors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve(ledger, daily(0, 3))
    real = Book.count

    def forgetful(book: Book, item: object, *, times: int = 1) -> None:
        if not book.sums:
            real(book, item, times=times)  # type: ignore[arg-type]

    monkeypatch.setattr(Book, "count", forgetful)
    assert verify(ledger.path, anchors) == ["the windows' sums differ when they are added up anew"]


def test_verify_writes_nothing(ledger: Ledger, anchors: Path) -> None:
    (reservation,) = reserve(ledger, daily(0, 1))
    with ledger.exclusive():
        draw(ledger, reservation)
    files = [path for path in ledger.path.parents[1].rglob("*") if path.is_file()]
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
    assert verify(ledger.path, anchors) == []
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files} == before


def test_verify_waits_for_a_writer_and_then_says_busy(
    ledger: Ledger, anchors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dp.ledger.chain.WAIT_S", 0.05)
    with ledger._chain.locked(), pytest.raises(LedgerBusy):
        verify(ledger.path, anchors)


def test_verify_follows_voids_amendments_and_repeats(ledger: Ledger, anchors: Path) -> None:
    first, second = reserve(ledger, daily(0, 2))
    ledger.void(second)
    with ledger.exclusive():
        ledger.start_draw(first)
        draw(ledger, first)
    ledger.amend(policy_of(days=None, ids=2), "careful")
    reserve(ledger, [charge_of(*dates(3, 4), table="home")], name="home")
    assert verify(ledger.path, anchors) == []
    assert ledger.windows(None).rho.value == Fraction(2 * 4, 60) + Fraction(1, 60)


def _three_years(tables: int) -> Iterator[tuple[Kind, Plain]]:
    for number, week in enumerate(range(0, 3 * 365, 7), start=1):
        charges = [
            charge_of(day, rho=str(Fraction(0.0015 + t / 2**20)), table=f"table{t}")
            for day in dates(week, 7)
            for t in range(tables)
        ]
        name = f"weekly-{number:04d}"
        release = {"digest": sha(name), "id": name, "keys": [c.key for c in charges]}
        days = {day.isoformat(): list(span) for day, span in spans_of(charges).items()}
        plain = [c.as_dict() for c in charges]
        yield "reserved", {"release": release, "charges": plain, "spans": days}
        for charge in charges:
            yield "draw_started", {"key": charge.key, "attempt": 1}
            yield "drawn", {"key": charge.key, "attempt": 1, "sha256": sha("x")}
        yield "settled", {"release": name, "manifest": sha("m")}


def _seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def test_three_years_of_ten_daily_tables_open_in_a_second_and_check_at_once(
    tmp_path: Path,
) -> None:
    anchors = tmp_path / "anchors"
    path = tmp_path / "x.ledger"
    Ledger.create(path, policy_of(), anchors=anchors)
    extend_by_hand(path, anchors, _three_years(10))
    ledger = Ledger.open(path, anchors=anchors)
    assert len(ledger.reservations()) == 157 * 7 * 10
    assert _seconds(lambda: Ledger.open(path, anchors=anchors)) < 1
    asked = [charge_of(*dates(1099 + k, 14), rho="1/1000", table="home") for k in range(7)]
    assert _seconds(lambda: ledger.check(asked)) < 0.2
    assert _seconds(lambda: ledger.windows(365)) < 0.2


def test_looking_at_a_ledger_imports_neither_numbers_nor_noise() -> None:
    code = "import sys, dp.ledger; print([m for m in ('numpy', 'opendp') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
