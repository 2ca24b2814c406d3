"""Errors that a user can act on. Each says what, which value, where, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dp.keys import Key


class MurmurationError(Exception):
    """Base of every error shown to a user without a traceback."""

    exit_code = 1


class BoundError(MurmurationError):
    """A contribution bound, a key set or a vector does not fit what was declared."""

    exit_code = 1


class TooManyCells(BoundError):
    """A key set has more cells than can be numbered.

    Attributes:
        keys: Its key columns.
    """

    def __init__(self, message: str, *, keys: tuple[Key, ...]) -> None:
        super().__init__(message)
        self.keys = keys


class BudgetRefused(MurmurationError):
    """A charge would break the cap of some window. Nothing was charged and no noise was drawn."""

    exit_code = 4


class PolicyMismatch(MurmurationError):
    """A spec asks for another policy than the one that the ledger fixed."""

    exit_code = 4


class LedgerFault(MurmurationError):
    """The ledger is missing, damaged, restored from an old copy, or out of order."""

    exit_code = 5


class LedgerBusy(LedgerFault):
    """Another process holds the ledger's lock."""

    exit_code = 5


class DiskFull(LedgerFault):
    """The disk of a ledger, its anchor or its store is full. What is booked is safe."""

    exit_code = 6


class PolicyError(MurmurationError):
    """A policy that no ledger can keep, or an amendment that would loosen one."""

    exit_code = 2
