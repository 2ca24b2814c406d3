"""What callers and the ledger say to each other: charges, releases, reservations."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from dp.errors import LedgerFault
from dp.ledger.entries import Plain
from dp.ledger.window import Runs, dates_of, runs_of
from dp.loss import Loss, Rho, exact

State = Literal["reserved", "draw_started", "drawn", "settled", "void"]
_HEX = re.compile(r"[0-9a-f]{64}")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One measurement's price, named by the dates that it reads. Public.

    Attributes:
        key: 64 hex digits: the hash of table, parameters, key set, rho, issue and date. What
            carries a key that was charged before costs nothing again.
        table: Name of the table.
        reads: Every date whose records the measurement reads, ascending.
        loss: What the mechanism costs one unit; the mechanism's map answered it.
        detail: Public facts worth keeping, canonical text.
    """

    key: str
    table: str
    reads: tuple[dt.date, ...]
    loss: Loss
    detail: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_hash(self.key, name=f"{self.table}: key")
        if not self.reads or list(self.reads) != sorted(set(self.reads)):
            raise ValueError(f"{self.table}: reads must be one or more dates, each once, ascending")
        if self.loss.rho.value == 0 and self.loss.delta == 0:
            raise ValueError(f"{self.table}: a charge of nothing would make noise free")

    @property
    def runs(self) -> Runs:
        """The dates read, as runs of consecutive dates."""
        return runs_of(self.reads)

    def as_dict(self) -> dict[str, object]:
        """Return plain values for an entry; dates as ISO runs "first" or "first/last"."""
        return {
            "key": self.key,
            "table": self.table,
            "reads": [_run_text(a, b) for a, b in self.runs],
            "rho": str(self.loss.rho.value),
            "delta": str(self.loss.delta),
            "detail": dict(self.detail),
        }

    @classmethod
    def from_dict(cls, plain: Plain) -> Charge:
        """Return the charge that an entry holds; KeyError, TypeError or ValueError when none."""
        reads, detail = plain["reads"], plain["detail"]
        if not isinstance(reads, list) or not isinstance(detail, dict):
            raise TypeError("reads must be a list and detail a mapping")
        return cls(
            key=str(plain["key"]),
            table=str(plain["table"]),
            reads=dates_of(_run(str(text)) for text in reads),
            loss=_loss(str(plain["rho"]), str(plain["delta"])),
            detail=detail,
        )


@dataclass(frozen=True, slots=True)
class ReleaseKey:
    """What makes a release the same one: the digest of its public spec. ``slug`` names it."""

    digest: str
    slug: str

    def __post_init__(self) -> None:
        check_hash(self.digest, name="release digest")
        if not _SLUG.fullmatch(self.slug):
            raise ValueError(
                f"a release's slug is small letters, digits and hyphens, got {self.slug!r}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A charge that is booked: the only thing that opens the door to noise.

    Attributes:
        key: The charge's key.
        release_id: The release that asked.
        charge: What was booked.
        state: How far it came.
        attempt: Number of times that it was charged: above 1 after crashes inside a draw.
    """

    key: str
    release_id: str
    charge: Charge
    state: State
    attempt: int


def check_hash(text: str, *, name: str) -> None:
    """Raise ValueError where ``text`` is not 64 small hex digits."""
    if not _HEX.fullmatch(text):
        raise ValueError(f"{name} must be 64 hex digits, got {text!r}")


def stated(reason: str) -> str:
    """Return a reason without outer spaces; LedgerFault where nothing is said."""
    text = reason.strip()
    if not text:
        raise LedgerFault("a reason must be given: it is recorded for good")
    return text


def _run_text(first: int, last: int) -> str:
    start = dt.date.fromordinal(first).isoformat()
    return start if first == last else f"{start}/{dt.date.fromordinal(last).isoformat()}"


# Most charges of a series share their dates and their price with others: parse each once.
@lru_cache(maxsize=8192)
def _loss(rho: str, delta: str) -> Loss:
    return Loss(Rho(exact(rho, name="rho")), exact(delta, name="delta"))


@lru_cache(maxsize=8192)
def _run(text: str) -> tuple[int, int]:
    first, _, last = text.partition("/")
    start = dt.date.fromisoformat(first).toordinal()
    return start, dt.date.fromisoformat(last).toordinal() if last else start
