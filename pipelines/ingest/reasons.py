"""Why a row is set aside. Each row has at most one reason: the first that applies."""

from __future__ import annotations

from enum import IntEnum


class Reason(IntEnum):
    """Reasons in the order in which they are looked for; the names are those in diagnostics."""

    PERSON_MISSING = 1
    PERSON_EXCLUDED = 2
    TIME_MISSING = 3
    TIME_UNREADABLE = 4
    TIME_WITHOUT_ZONE = 5
    TIME_SKIPPED_BY_CLOCK_CHANGE = 6
    END_BEFORE_START = 7
    OUTSIDE_PERIOD = 8
    PLACE_IMPOSSIBLE = 9
    ZONE_UNKNOWN = 10
    LINE_MALFORMED = 11
    TOWER_UNKNOWN = 12
    PREFIX_DROPPED = 13

    @property
    def text(self) -> str:
        """The name in diagnostics."""
        return self.name.lower()


ROOM = 16
"""More than there are reasons: ``source * ROOM + reason`` is one number for both."""
