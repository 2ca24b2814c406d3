"""Knobs of the synthetic city, with their units in their names."""

from __future__ import annotations

from dataclasses import dataclass, fields

_FEWEST_ZONES, _MOST_ZONES = 4, 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CitySettings:
    """What a synthetic city is like. Shares lie in [0, 1].

    Attributes:
        zones: Number of polygon zones; the city keeps its extent, so more means smaller.
        panel_share: Simulated people per declared resident.
        pings_per_person: Mean fixes of one person on one date, silent phones included.
        gps_sd_m: Standard deviation of a fix along each axis.
        stray_share: Fixes that land hundreds of metres away.
        poor_phone_share: Phones that report rarely and with long gaps.
        silent_share: Phones that report nothing on a given date.
        two_device_share: People who carry a second phone.
        away_share: People who spend a given date out of town.
        outside_work_share: Workers whose workplace is out of town.
        opt_out_share: People on the list of exclusions.
        checkin_share: People whose outings also appear as check-ins; 0 writes no such file.
        dirty_share: Bad rows per good row.
    """

    zones: int = 36
    panel_share: float = 0.1
    pings_per_person: float = 60.0
    gps_sd_m: float = 25.0
    stray_share: float = 0.01
    poor_phone_share: float = 0.25
    silent_share: float = 0.04
    two_device_share: float = 0.05
    away_share: float = 0.02
    outside_work_share: float = 0.04
    opt_out_share: float = 0.005
    checkin_share: float = 0.1
    dirty_share: float = 0.003

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_share") and not 0 <= value <= 1:
                raise ValueError(f"{field.name} must lie between 0 and 1, got {value}")
        if not _FEWEST_ZONES <= self.zones <= _MOST_ZONES:
            raise ValueError(
                f"zones must lie between {_FEWEST_ZONES} and {_MOST_ZONES}, got {self.zones}"
            )
        if not (self.panel_share > 0 and self.pings_per_person > 0 and self.gps_sd_m >= 0):
            raise ValueError("panel_share and pings_per_person must be above 0, gps_sd_m 0 or more")
