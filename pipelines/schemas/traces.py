"""Parameters of positions, stays and trips, with the units in their names."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MINUTE_S = 60


class TraceParams(BaseModel):
    """How a person's day is read from points (design section 2). Public; never tuned on data."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    same_zone_gap_minutes: int = Field(default=120, ge=1, le=1440)
    """Between two records in one zone the person is there if the gap is at most this."""
    overnight_gap_minutes: int = Field(default=480, ge=1, le=1440)
    """The same for a gap whose midpoint is overnight."""
    move_gap_minutes: int = Field(default=60, ge=0, le=720)
    """Where a gap is not bridged, each side holds for half the gap, at most this long."""
    min_dwell_minutes: int = Field(default=20, ge=0, le=720)
    """A run of one zone is a stay from this length on."""
    min_trip_m: int = Field(default=500, ge=0, le=50_000)
    """Two consecutive stays nearer than this are no trip."""
    min_overnight_minutes: int = Field(default=120, ge=1, le=480)
    """Known time overnight in one zone below this leaves the overnight zone unknown."""
