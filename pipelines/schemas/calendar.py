"""Mobility days: dates that start at a local hour and have 23, 24 or 25 hours."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from pipelines.errors import SpecError

HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class MobilityDay:
    """One date: a half-open span of instants.

    Attributes:
        index: Number of the date in the release, from 0.
        date: The local date on which it starts.
        start_s: First instant, in seconds since 1970-01-01 UTC.
        end_s: First instant of the next date.
        overnight_s: Seconds from ``start_s`` at which the overnight part starts; it ends with the
            day.
    """

    index: int
    date: dt.date
    start_s: int
    end_s: int
    overnight_s: int

    @property
    def length_s(self) -> int:
        """Seconds in the date: 82,800, 86,400 or 90,000 almost everywhere."""
        return self.end_s - self.start_s

    def bins(self, bin_s: int = HOUR_S) -> int:
        """The number of time bins; a remainder shorter than a bin belongs to the last one."""
        return max(1, self.length_s // bin_s)


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Consecutive mobility days of one series.

    Attributes:
        time_zone: IANA name; the series has one.
        day_starts: Local time at which a date starts.
        overnight_starts: Local time at which its overnight part starts.
        start: The first date.
        days: How many dates, 1 or more.
    """

    time_zone: str
    day_starts: dt.time
    start: dt.date
    days: int
    overnight_starts: dt.time = dt.time(20)

    def __post_init__(self) -> None:
        if self.days < 1:
            raise SpecError(f"dates: days must be 1 or more, got {self.days}.")

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone's rules."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def dates(self) -> tuple[MobilityDay, ...]:
        """The dates in order.

        Raises:
            SpecError: a date has no instant in this time zone: its clocks once skipped a day.
        """
        return tuple(self._day(i) for i in range(self.days))

    def bin_starts(self, day: MobilityDay, bin_s: int = HOUR_S) -> list[dt.datetime]:
        """Return the local start of each bin of a date, with its offset from UTC.

        The repeated hour of a clock change appears twice, with different offsets.
        """
        return [
            dt.datetime.fromtimestamp(day.start_s + k * bin_s, self.zone)
            for k in range(day.bins(bin_s))
        ]

    def instant_s(self, date: dt.date, time: dt.time) -> int:
        """Return the first instant, in seconds since 1970, at which a local clock has reached it.

        Of a time that occurs twice it is the first occurrence. For a time that clocks skip it is
        the instant of the skip.
        """
        target = dt.datetime.combine(date, time)
        first, second = (
            int(target.replace(tzinfo=self.zone, fold=fold).timestamp()) for fold in (0, 1)
        )
        if first <= second:
            return first
        # Skipped: read with the offsets after and before the skip, the time lies around it.
        skip = bisect_left(range(second, first), True, key=lambda s: self._shows(s) >= target)
        return second + skip

    def _shows(self, instant_s: int) -> dt.datetime:
        return dt.datetime.fromtimestamp(instant_s, self.zone).replace(tzinfo=None)

    def _day(self, index: int) -> MobilityDay:
        date = self.start + dt.timedelta(days=index)
        start_s = self.instant_s(date, self.day_starts)
        end_s = self.instant_s(date + dt.timedelta(days=1), self.day_starts)
        if end_s <= start_s:
            raise SpecError(
                f"dates: {date} has no instant in {self.time_zone}, whose clocks skipped it. "
                "End the dates before it and start another release after it."
            )
        evening = date if self.overnight_starts >= self.day_starts else date + dt.timedelta(days=1)
        overnight_s = self.instant_s(evening, self.overnight_starts) - start_s
        return MobilityDay(
            index=index, date=date, start_s=start_s, end_s=end_s, overnight_s=overnight_s
        )
