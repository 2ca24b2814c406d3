"""Small charges, calendars and whole ledgers for the ledger's tests."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from dp.ledger import Charge, Ledger, Policy, ReleaseKey, Reservation
from dp.ledger.entries import Entry, Head, Kind, Plain, link
from dp.ledger.file import LedgerFile
from dp.loss import Loss, Rho

DAY = dt.date(2026, 3, 2)


def policy_of(
    *,
    rho: str = "1/2",
    delta: str = "1/100000000",
    days: int | None = 30,
    ids: int | None = 1,
    **fields: object,
) -> Policy:
    plain = {
        "cap_rho": rho,
        "cap_delta": delta,
        "window_days": days,
        "ids_per_person_per_date": ids,
        "time_zone": "Asia/Seoul",
        "day_starts": "04:00",
        "population": 800_000,
        "id_rotation": "never",
    }
    return Policy.from_dict(plain | fields)


def dates(first: int, count: int = 1) -> tuple[dt.date, ...]:
    return tuple(DAY + dt.timedelta(days=first + k) for k in range(count))


def charge_of(
    *reads: dt.date, rho: str = "1/60", delta: str = "0", table: str = "presence", issue: int = 0
) -> Charge:
    name = f"{table} {reads} {rho} {delta} {issue}"
    return Charge(
        key=sha(name),
        table=table,
        reads=reads,
        loss=Loss(Rho.of(rho), Fraction(delta)),
        detail={"noise": "discrete_gaussian", "scale": "12.5", "issue": str(issue)},
    )


def daily(first: int, count: int, **fields: object) -> list[Charge]:
    return [charge_of(day, **fields) for day in dates(first, count)]  # type: ignore[arg-type]


def spans_of(charges: Iterable[Charge]) -> dict[dt.date, tuple[int, int]]:
    days = {day for charge in charges for day in charge.reads}
    return {day: (day.toordinal() * 86_400, (day.toordinal() + 1) * 86_400) for day in days}


def release_of(name: str = "weekly") -> ReleaseKey:
    return ReleaseKey(digest=sha(name), slug="daily-mobility")


def reserve(
    ledger: Ledger, charges: list[Charge], *, name: str = "weekly"
) -> tuple[Reservation, ...]:
    return ledger.reserve(release_of(name), charges, spans=spans_of(charges))


def draw(ledger: Ledger, reservation: Reservation, payload: bytes = b"noisy") -> Reservation:
    """Go through a draw as the door does; call it inside ``ledger.exclusive()``."""
    started = ledger.start_draw(reservation)
    sha256 = ledger.store.write(started.key, started.attempt, payload)
    return ledger.book_drawn(started, sha256)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def extend_by_hand(path: Path, anchors: Path, steps: Iterable[tuple[Kind, Plain]]) -> None:
    """Append many entries in one transaction, and the anchor that they would have left."""
    file = LedgerFile(path)
    head: Head = file.entries()[-1].head
    fresh: list[Entry] = []
    for kind, plain in steps:
        fresh.append(link(head, kind, plain))
        head = fresh[-1].head
    with file.connected() as db:
        db.execute("BEGIN IMMEDIATE")
        db.executemany(
            "INSERT INTO entries VALUES (?, ?, ?, ?)",
            [(e.seq, e.kind, e.payload, e.hash) for e in fresh],
        )
        db.execute("COMMIT")
    (anchor,) = anchors.glob("*.anchor")
    lines = anchor.read_text().splitlines()
    check = lines[-1].rpartition(" ")[2]
    for entry in fresh:
        digest = file.digest() if entry is fresh[-1] else "0" * 64
        for mark in (
            f"begun {entry.seq} {entry.hash} -",
            f"issued {entry.seq} {entry.hash} {digest}",
        ):
            check = sha(f"{check}\n{mark}")[:16]
            lines.append(f"{mark} {check}")
    anchor.write_text("\n".join(lines) + "\n")
