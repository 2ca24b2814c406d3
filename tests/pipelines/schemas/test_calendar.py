"""Mobility days on the clocks of the world."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import SpecError
from pipelines.schemas.calendar import Calendar, MobilityDay

HOUR = 3600


def days(
    time_zone: str, start: str, count: int = 3, *, at: str = "04:00"
) -> tuple[Calendar, tuple[MobilityDay, ...]]:
    cal = Calendar(
        time_zone=time_zone,
        day_starts=dt.time.fromisoformat(at),
        start=dt.date.fromisoformat(start),
        days=count,
    )
    return cal, cal.dates


def hours(dates: tuple[MobilityDay, ...]) -> list[float]:
    return [day.length_s / HOUR for day in dates]


def test_a_date_before_clocks_go_forward_has_23_hours() -> None:
    cal, dates = days("America/New_York", "2026-03-06")
    assert hours(dates) == [24, 23, 24]
    assert [day.bins() for day in dates] == [24, 23, 24]
    local = [moment.hour for moment in cal.bin_starts(dates[1])]
    assert 2 not in local
    assert local == [*range(4, 24), 0, 1, 3]


def test_a_date_before_clocks_go_back_has_25_hours_and_two_bins_of_one_hour() -> None:
    cal, dates = days("America/New_York", "2026-10-30")
    assert hours(dates) == [24, 25, 24]
    ones = [moment for moment in cal.bin_starts(dates[1]) if moment.hour == 1]
    assert [moment.isoformat() for moment in ones] == [
        "2026-11-01T01:00:00-04:00",
        "2026-11-01T01:00:00-05:00",
    ]


def test_the_overnight_part_is_the_end_of_the_date() -> None:
    _, dates = days("America/New_York", "2026-03-06")
    assert [day.overnight_s for day in dates] == [16 * HOUR] * 3
    assert [day.length_s - day.overnight_s for day in dates] == [8 * HOUR, 7 * HOUR, 8 * HOUR]


def test_an_overnight_part_may_start_after_midnight() -> None:
    cal = Calendar(
        time_zone="Europe/Paris",
        day_starts=dt.time(4),
        overnight_starts=dt.time(1),
        start=dt.date(2026, 6, 1),
        days=1,
    )
    assert cal.dates[0].overnight_s == 21 * HOUR


def test_a_day_start_that_clocks_skip_is_the_instant_of_the_skip() -> None:
    cal, dates = days("America/New_York", "2026-03-07", at="02:00")
    assert hours(dates) == [24, 23, 24]
    assert cal.bin_starts(dates[1])[0].isoformat() == "2026-03-08T03:00:00-04:00"
    cal, dates = days("America/New_York", "2026-03-07", at="02:30")
    assert hours(dates) == [23.5, 23.5, 24]
    assert cal.bin_starts(dates[1])[0].isoformat() == "2026-03-08T03:00:00-04:00"


def test_a_day_start_that_occurs_twice_is_its_first_occurrence() -> None:
    cal, dates = days("America/New_York", "2026-10-31", at="01:30")
    assert hours(dates) == [24, 25, 24]
    assert cal.bin_starts(dates[1])[0].isoformat() == "2026-11-01T01:30:00-04:00"


def test_midnight_may_be_skipped_or_follow_a_repeated_hour() -> None:
    assert hours(days("America/Havana", "2026-03-07", at="00:00")[1]) == [24, 23, 24]
    assert hours(days("America/Sao_Paulo", "2018-02-16", at="00:00")[1]) == [24, 25, 24]


def test_half_an_hour_too_much_belongs_to_the_last_bin() -> None:
    cal, dates = days("Australia/Lord_Howe", "2026-04-04")
    assert hours(dates) == [24.5, 24, 24]
    assert dates[0].bins() == 24
    assert cal.bin_starts(dates[0])[-1].isoformat() == "2026-04-05T02:30:00+10:30"
    assert dates[0].bins(30 * 60) == 49


def test_half_an_hour_too_little_makes_the_last_bin_longer() -> None:
    _, dates = days("Australia/Lord_Howe", "2026-10-03", at="02:00")
    assert hours(dates) == [24, 23.5, 24]
    assert dates[1].bins() == 23


def test_old_clocks_moved_by_odd_amounts() -> None:
    _, dates = days("Europe/Amsterdam", "1937-06-30")
    assert dates[0].length_s == 24 * HOUR - 28
    _, dates = days("Africa/Monrovia", "1972-01-06")
    assert dates[0].length_s == 24 * HOUR - 44 * 60 - 30
    _, dates = days("Asia/Kathmandu", "1985-12-30")
    assert hours(dates) == [24, 23.75, 24]


def test_dates_before_1970_have_negative_instants_and_full_length() -> None:
    cal, dates = days("Europe/London", "1969-12-30")
    assert dates[0].start_s < 0
    assert hours(dates) == [24, 24, 24]
    assert cal.bin_starts(dates[0])[0].isoformat() == "1969-12-30T04:00:00+01:00"


def test_a_skipped_day_leaves_short_dates() -> None:
    _, dates = days("Pacific/Apia", "2011-12-28", 4)
    assert hours(dates) == [24, 20, 4, 24]
    assert dates[2].overnight_s == 0
    assert dates[2].bins(6 * HOUR) == 1


def test_a_date_that_clocks_skipped_whole_is_refused() -> None:
    with pytest.raises(SpecError, match=r"2011-12-30 has no instant in Pacific/Apia"):
        days("Pacific/Apia", "2011-12-28", 4, at="00:00")


def test_no_dates_at_all_are_refused() -> None:
    with pytest.raises(SpecError, match="days must be 1 or more, got 0"):
        days("UTC", "2026-01-01", 0)


ZONES = st.sampled_from(
    [
        "UTC",
        "America/New_York",
        "America/Sao_Paulo",
        "Asia/Tehran",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Europe/Dublin",
        "Antarctica/Troll",
        "Asia/Gaza",
    ]
)


@given(
    time_zone=ZONES,
    start=st.dates(dt.date(1975, 1, 1), dt.date(2035, 12, 1)),
    day_starts=st.times().map(lambda t: t.replace(microsecond=0)),
)
def test_dates_follow_one_another_and_their_bins_fill_them(
    time_zone: str, start: dt.date, day_starts: dt.time
) -> None:
    cal = Calendar(time_zone=time_zone, day_starts=day_starts, start=start, days=3)
    for before, after in pairwise(cal.dates):
        assert before.end_s == after.start_s
    for day in cal.dates:
        assert 20 * HOUR <= day.length_s <= 28 * HOUR
        assert 0 <= day.overnight_s <= day.length_s
        assert 0 <= day.length_s - day.bins() * HOUR < HOUR
        starts = cal.bin_starts(day)
        assert [int(s.timestamp()) for s in starts] == [
            day.start_s + k * HOUR for k in range(day.bins())
        ]
        target = dt.datetime.combine(day.date, day_starts)
        assert starts[0].replace(tzinfo=None) >= target
        instant = dt.datetime.fromtimestamp(day.start_s - 1, cal.zone).replace(tzinfo=None)
        assert instant < target
