"""Rows that need not be read: a filter on raw columns that an engine can push into the files."""

from __future__ import annotations

from pipelines.ingest.check import CheckedSource
from pipelines.ingest.clean import raw_name
from pipelines.ingest.clock import MARGIN_S, Period
from pipelines.ingest.columns import Kind

_SCALES = {"s": 1, "ms": 1_000, "us": 1_000_000}


def worth_reading(checked: CheckedSource, period: Period) -> str | None:
    """Return SQL that is true for every raw row that could touch the period; None for "all".

    What it leaves out lies more than a day outside the period, whatever the time zone, and is
    counted as such. Only times that the file itself understands can be filtered so.
    """
    low_s, high_s = period.start_s - MARGIN_S, period.end_s + MARGIN_S
    bounds = {
        role: (_moment(checked, role, low_s), _moment(checked, role, high_s))
        for role in ("time", "end")
        if role in checked.columns
    }
    if any(None in pair for pair in bounds.values()):
        return None
    start, last = raw_name("time"), raw_name("end" if "end" in bounds else "time")
    low, high = bounds["end" if "end" in bounds else "time"][0], bounds["time"][1]
    return f"({start} IS NULL OR {start} <= {high}) AND ({last} IS NULL OR {last} >= {low})"


def _moment(checked: CheckedSource, role: str, second: int) -> str | None:
    kind = checked.columns[role].kind
    if kind is Kind.NAIVE:
        return f"MAKE_TIMESTAMP({second * 1_000_000})"
    if kind is Kind.ZONED:
        return f"TO_TIMESTAMP({second})"
    if kind is Kind.INTEGER and checked.source.time_unit is not None:
        return str(second * _SCALES[checked.source.time_unit])
    return None
