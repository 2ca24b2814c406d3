"""Strata: public classes of persons, such as age bands, that multiply a table's keys."""

from __future__ import annotations

from dataclasses import dataclass

UNKNOWN = "unknown"
MEANING = "stratum of the person by the custodian's file; unknown where it lists none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """One column of the file of strata.

    Attributes:
        name: The column, and the key column of tables that ask for it.
        values: Its public values in published order; whatever else the file holds is unknown.
    """

    name: str
    values: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The values of the key column: the public values, and unknown at the end."""
        return (*self.values, UNKNOWN)


def unknown_code(strata: tuple[Stratum, ...]) -> int:
    """Return the number of a person of whom nothing is known: the last of all combinations."""
    combinations = 1
    for stratum in strata:
        combinations *= len(stratum.labels)
    return combinations - 1
