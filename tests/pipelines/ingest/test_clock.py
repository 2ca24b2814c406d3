from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from ingest_desk import calendar, values

from pipelines.ingest.clock import (
    Period,
    clipped,
    date_number,
    instant,
    offset_changes,
    second_of_date,
)

ZONES = [
    "UTC",
    "Asia/Seoul",
    "Asia/Kathmandu",
    "Europe/Berlin",
    "America/St_Johns",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Auckland",
]
YEAR = Period(start_s=1_767_225_600, end_s=1_798_761_600)
EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001


@pytest.mark.parametrize("zone", ZONES)
def test_every_change_of_offset_is_found_to_the_second(zone: str) -> None:
    info = ZoneInfo(zone)
    changes = offset_changes(info, YEAR)
    for at_s, offset in changes:
        moment = dt.datetime.fromtimestamp(at_s, info)
        assert moment.utcoffset() == dt.timedelta(seconds=offset)
    for at_s, offset in changes[1:]:
        before = dt.datetime.fromtimestamp(at_s - 1, info).utcoffset()
        assert before != dt.timedelta(seconds=offset)
    every_hour = {
        dt.datetime.fromtimestamp(s, info).utcoffset()
        for s in range(YEAR.start_s, YEAR.end_s, 3600)
    }
    assert every_hour <= {dt.timedelta(seconds=offset) for _, offset in changes}


@pytest.mark.parametrize("zone", [*ZONES, "Pacific/Apia"])
@pytest.mark.parametrize("scale", [1, 1_000_000])
def test_local_times_become_the_first_instant_that_shows_them(zone: str, scale: int) -> None:
    start = 1_325_000_000 if zone == "Pacific/Apia" else YEAR.start_s
    period = Period(start_s=start, end_s=start + 86_400 * 365)
    info = ZoneInfo(zone)
    changes = [at_s for at_s, _ in offset_changes(info, period)[1:]]
    near = [at_s + step for at_s in changes for step in range(-93_600, 93_601, 1800)]
    instants = sorted({*near, *range(start, period.end_s, 86_400 * 7)})
    local = sorted(
        {
            round((dt.datetime.fromtimestamp(s, info).replace(tzinfo=None) - EPOCH).total_seconds())
            for s in instants
        }
        | {at_s + step for at_s in changes for step in range(-86_400, 86_401, 1800)}
    )
    found = values(instant("x", info, period, scale=scale), [s * scale for s in local], "BIGINT")
    expected = [_first(s, info) for s in local]
    assert found == [None if s is None else s * scale for s in expected]
    assert (None in expected) == any(
        after > before
        for (_, before), (_, after) in zip(
            offset_changes(info, period), offset_changes(info, period)[1:], strict=False
        )
    )


def _first(local_s: int, zone: ZoneInfo) -> int | None:
    wall = EPOCH + dt.timedelta(seconds=local_s)
    at_s = int(wall.replace(tzinfo=zone, fold=0).timestamp())
    shown = dt.datetime.fromtimestamp(at_s, zone).replace(tzinfo=None)
    return at_s if shown == wall else None


@pytest.mark.parametrize(
    ("zone", "start", "days"),
    [
        ("Asia/Seoul", "2026-03-02", 7),
        ("Europe/Berlin", "2026-03-27", 4),
        ("Europe/Berlin", "2026-10-23", 5),
        ("Europe/Berlin", "2026-01-01", 365),
        ("Australia/Lord_Howe", "2026-04-03", 4),
        ("America/New_York", "2026-11-01", 1),
    ],
)
def test_seconds_fall_into_their_date_and_second(zone: str, start: str, days: int) -> None:
    cal = calendar(zone, start, days)
    first_s = cal.dates[0].start_s
    edges = {s for day in cal.dates for s in (day.start_s, day.end_s - 1)}
    middle = {day.start_s + k for day in cal.dates for k in (1, 3_599, 7_200, 82_799, 82_800)}
    held = sorted(s for s in edges | middle if s < cal.dates[-1].end_s)
    seconds = [s - first_s for s in held]
    expected = [
        next((day.index, s - day.start_s) for day in cal.dates if day.start_s <= s < day.end_s)
        for s in held
    ]
    assert values(date_number("x", cal), seconds, "INTEGER") == [d for d, _ in expected]
    assert values(second_of_date("x", cal), seconds, "INTEGER") == [t for _, t in expected]


def test_a_year_has_few_segments() -> None:
    assert date_number("x", calendar("Europe/Berlin", "2026-01-01", 365)).count("WHEN") == 4
    assert "CASE" not in date_number("x", calendar("Asia/Seoul", "2026-01-01", 365))


def test_clipping_keeps_missing_times_missing_and_far_times_out() -> None:
    extreme = [None, -(2**63), 2**63 - 1, YEAR.start_s]
    found = values(clipped("x", YEAR, scale=1), extreme, "BIGINT")
    assert found[0] is None
    assert found[1] < YEAR.start_s < YEAR.end_s < found[2]
    assert found[3] == YEAR.start_s
