"""The privacy unit: what neighbouring data sets differ by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyUnit:
    """Everything one person did in any ``window_days`` consecutive dates.

    Neighbours differ by adding or removing all dated records of one person in one window.

    Attributes:
        window_days: Length of the window in mobility days; None for the whole series.
        ids_per_person_per_date: How many identifiers the custodian attests one person to have on
            one date, at most. None when nothing is attested: the unit is then one device.
    """

    window_days: int | None
    ids_per_person_per_date: int | None

    def __post_init__(self) -> None:
        if self.window_days is not None and self.window_days < 1:
            raise ValueError(f"window_days must be 1 or more, got {self.window_days}")
        ids = self.ids_per_person_per_date
        if ids is not None and ids < 1:
            raise ValueError(f"ids_per_person_per_date must be 1 or more, got {ids}")

    @property
    def multiplicity(self) -> int:
        """How many times one identifier's bounds a person's are, at most (``units.md``)."""
        return self.ids_per_person_per_date or 1

    @property
    def subject(self) -> str:
        """Either "person" where the number of identifiers is attested, or else "device"."""
        return "device" if self.ids_per_person_per_date is None else "person"

    def __str__(self) -> str:
        span = "the whole series" if self.window_days is None else f"{self.window_days} dates"
        return f"one {self.subject}, {span}"
