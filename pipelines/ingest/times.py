"""A time column of any declared kind as a number of ticks, and ticks as an instant."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pipelines.ingest.clock import Period, instant
from pipelines.ingest.columns import Column
from pipelines.ingest.formats import TextFormat, iso_offset, iso_seconds
from pipelines.ingest.source import Source

_SCALES = {"s": 1, "ms": 1_000, "us": 1_000_000}
_NANOSECONDS = 1_000_000_000
_WHOLE = r"^[+-]?[0-9]{1,18}\z"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeColumn:
    """How one time column is read.

    Attributes:
        ticks: SQL over the raw column: a whole number since 1970-01-01T00:00, NULL for what is no
            time.
        scale: Ticks in a second.
        offset: SQL over the raw column: seconds ahead of UTC that the text states, NULL where it
            states none; None where no text states one.
        zone: The zone of times that carry none; None where ticks are instants, or where a time
            without an offset is no time.
        naive: Whether ticks are local times unless the text states an offset.
    """

    ticks: str
    scale: int
    offset: str | None
    zone: ZoneInfo | None
    naive: bool

    @classmethod
    def of(cls, source: Source, column: Column, *, name: str) -> TimeColumn:
        """Return how to read a checked time column whose raw name in SQL is ``name``."""
        zone = ZoneInfo(source.naive_time_zone) if source.naive_time_zone else None
        if column.kind.times:
            scale = _NANOSECONDS if column.kind.nanoseconds else _SCALES["us"]
            ticks = f"EPOCH_NS({name})" if column.kind.nanoseconds else f"EPOCH_US({name})"
            naive = not column.kind.zoned
            return cls(
                ticks=ticks, scale=scale, offset=None, zone=zone if naive else None, naive=naive
            )
        if source.time_unit is not None:
            whole = f"CAST({name} AS BIGINT)"
            if column.kind.text:
                whole = (
                    f"CASE WHEN REGEXP_MATCHES({name}, '{_WHOLE}') "
                    f"THEN TRY_CAST({name} AS BIGINT) END"
                )
            scale = _SCALES[source.time_unit]
            return cls(ticks=whole, scale=scale, offset=None, zone=None, naive=False)
        if source.time_format is None:
            return cls(
                ticks=iso_seconds(name), scale=1, offset=iso_offset(name), zone=zone, naive=True
            )
        text = TextFormat.of(source.time_format)
        return cls(
            ticks=text.seconds(name), scale=1, offset=text.offset(name), zone=zone, naive=True
        )

    def instant(self, held: str, offset: str, period: Period) -> str:
        """Return SQL for the instant in ticks.

        NULL where a local time is skipped by its zone, or has neither zone nor offset.

        Args:
            held: Name of a column that holds ``self.ticks``, clipped to the period's margin.
            offset: Name of the column that holds ``self.offset``, where there is one.
            period: The period.
        """
        if not self.naive:
            return held
        local = "NULL"
        if self.zone is not None:
            local = instant(held, self.zone, period, scale=self.scale)
        if self.offset is None:
            return local
        return (
            f"CASE WHEN {offset} IS NOT NULL THEN {held} - {offset} * {self.scale} ELSE {local} END"
        )
