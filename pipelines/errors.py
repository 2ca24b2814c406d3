"""Errors of the mobility side that a user can act on."""

from __future__ import annotations

from dp.errors import MurmurationError


class SpecError(MurmurationError):
    """A spec or policy file is wrong: one line per fault, each with file, place, value and fix."""

    exit_code = 2


class SourceError(MurmurationError):
    """A source cannot be read as declared: missing file, wrong column, wrong type."""

    exit_code = 3


class ZoneError(MurmurationError):
    """A zone file or grid cannot be used as declared."""

    exit_code = 3


class ResourceError(MurmurationError):
    """Memory or disk is too small for the work."""

    exit_code = 6


class EngineError(MurmurationError):
    """An engine failed in a way that is a fault of this program. Details stay in ``work/``."""

    exit_code = 1


class ExportError(MurmurationError):
    """A release cannot be written in a format as asked; the message says what to add."""

    exit_code = 2


class VerifyError(MurmurationError):
    """A release folder or a ledger is not what it says it is."""

    exit_code = 7
