"""What the ledger says, for planning and for the documents of a folder. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from dp.errors import LedgerFault
from dp.ledger import Ledger
from pipelines.spec import load_policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dp.accounting import Spend
    from dp.ledger import Charge, Head, Policy
    from pipelines.spec import ReleaseSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The state of a series' budget that a plan depends on. Public.

    Attributes:
        policy: The policy in force.
        ledger: The ledger's id, None where there is none yet.
        spends: Everything that was charged.
        charges: Booked charges by key.
        notes: Remarks for the engineer.
    """

    policy: Policy
    ledger: str | None = None
    spends: tuple[Spend, ...] = ()
    charges: Mapping[str, Charge] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """Where a drawn release stands in its ledger. Public: every manifest carries it.

    Attributes:
        release: The release id.
        ledger: The ledger's id.
        head: The chain's end when the last measurement of the release was booked as drawn.
    """

    release: str
    ledger: str
    head: Head


def books_of(spec: ReleaseSpec) -> Books:
    """Return the ledger's state, or the policy file's where there is no ledger yet.

    Raises:
        LedgerFault: the ledger is damaged, or there is neither ledger nor policy file.
    """
    series = spec.series
    written = None if series.policy is None else load_policy(series.policy)
    if series.ledger.exists():
        with Ledger.open(series.ledger) as ledger:
            return opened_books(ledger, written=written)
    if written is None:
        raise LedgerFault(
            f"there is no ledger at {series.ledger}. Create it with `murmuration ledger create`, or"
            ' write policy = "policy.toml" under [series] to plan without it'
        )
    note = "there is no ledger yet: the policy file's figures are used, and nothing is spent"
    return Books(policy=written, notes=(note,))


def opened_books(ledger: Ledger, *, written: Policy | None = None) -> Books:
    """Return the state of an open ledger; a policy file that differs is only remarked upon."""
    differs = written is not None and written != ledger.policy
    note = "the policy file differs from the policy that the ledger fixed; the ledger's holds"
    return Books(
        policy=ledger.policy,
        ledger=ledger.id,
        spends=ledger.spends(),
        charges=MappingProxyType({one.key: one.charge for one in ledger.reservations()}),
        notes=(note,) if differs else (),
    )


def drawn_books(ledger: Ledger, *, digest: str, keys: Sequence[str]) -> tuple[Books, Booking]:
    """Return the books as they stood when a release was first drawn whole.

    Documents made from them are the same bytes today and after any later release: what is booked
    afterwards cannot change them.

    Args:
        ledger: An open ledger.
        digest: The release's digest.
        keys: Charge keys of all its measurements.

    Raises:
        LedgerFault: a measurement of the release is not drawn.
    """
    then = ledger.when_drawn(digest, keys)
    books = Books(policy=then.policy, ledger=ledger.id, spends=then.spends, charges=then.charges)
    return books, Booking(release=then.release_id, ledger=ledger.id, head=then.head)
