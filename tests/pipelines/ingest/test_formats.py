from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_desk import values

from pipelines.ingest.formats import TextFormat, iso_offset, iso_seconds

NAIVE_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001
MOMENTS = st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2099, 12, 31))  # noqa: DTZ001


def _seconds(moment: dt.datetime) -> int:
    return (moment.replace(tzinfo=None) - NAIVE_EPOCH) // dt.timedelta(seconds=1)


@given(moments=st.lists(MOMENTS, min_size=1, max_size=30), join=st.sampled_from("T "))
@settings(max_examples=20, deadline=None)
def test_iso_texts_are_read_to_the_second(moments: list[dt.datetime], join: str) -> None:
    texts = [moment.isoformat(sep=join) for moment in moments]
    assert values(iso_seconds("x"), texts) == [_seconds(moment) for moment in moments]


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("2026-03-02T10:00", None),
        ("2026-03-02 10:00:00Z", 0),
        ("2026-03-02T10:00:00.123456+09:00", 32400),
        ("2026-03-02T10:00:00+0530", 19800),
        ("2026-03-02T10:00-03", -10800),
        ("2026-03-02T10:00:00 -03:30", -12600),
    ],
)
def test_an_offset_in_the_text_is_heeded(text: str, offset: int | None) -> None:
    assert values(iso_offset("x"), [text]) == [offset]
    assert values(iso_seconds("x"), [text]) == [_seconds(dt.datetime(2026, 3, 2, 10))]  # noqa: DTZ001


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-03-02",
        "2026-02-30T10:00",
        "2026-13-01T10:00",
        "2026-03-02T24:00",
        "2026-03-02T10:60",
        "2026-03-02T10:00:60",
        "2026-3-2T10:00",
        " 2026-03-02T10:00",
        "2026-03-02T10:00 Europe/Berlin",
        "2026-03-02T10:00+9",
        "2026-03-02T10:00+09:75",
        "12026-03-02T10:00",
        "infinity",
        "now",
        "1772413200",
    ],
)
def test_what_is_no_iso_time_is_none(text: str) -> None:
    assert values(iso_seconds("x"), [text]) == [None]


@pytest.mark.parametrize(
    "form",
    [
        "%d/%m/%Y %H:%M:%S",
        "%m-%d-%y %I:%M %p",
        "%Y%m%d%H%M%S",
        "%b %d, %Y at %H.%M",
        "%Y/%m/%d [%H|%M] 100%%",
        "(%d.%m.%Y) %H:%M:%S.%f",
    ],
)
@given(moments=st.lists(MOMENTS, min_size=1, max_size=20))
@settings(max_examples=8, deadline=None)
def test_formats_read_what_strptime_reads(form: str, moments: list[dt.datetime]) -> None:
    texts = [moment.strftime(form) for moment in moments]
    expected = [_seconds(dt.datetime.strptime(text, form)) for text in texts]  # noqa: DTZ007
    assert values(TextFormat.of(form).seconds("x"), texts) == expected


def test_a_format_with_z_gives_the_offset_beside_the_local_time() -> None:
    form = TextFormat.of("%d.%m.%Y %H:%M %z")
    texts = ["02.03.2026 10:00 +0900", "02.03.2026 10:00 Z", "02.03.2026 10:00"]
    local = _seconds(dt.datetime(2026, 3, 2, 10))  # noqa: DTZ001
    assert values(form.seconds("x"), texts) == [local, local, None]
    assert values(str(form.offset("x")), texts) == [32400, 0, None]


@pytest.mark.parametrize(
    "text", ["31/02/2026 10:00", "02/03/2026 25:00", "02/03/2026", "02/03/2026 10:00x", "a/b/c d:e"]
)
def test_what_the_format_does_not_say_is_none(text: str) -> None:
    assert values(TextFormat.of("%d/%m/%Y %H:%M").seconds("x"), [text]) == [None]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("%Y-%m-%d", "hour"),
        ("%H:%M", "year"),
        ("%Y-%m-%d %I:%M", "%I and %p"),
        ("%Y-%m-%d %H %Q", "%Q is not known"),
        ("%Y-%m-%d %d %H", "day is written twice"),
        ("%Y-%m-%d %H %", "% is not known"),
        ("%Y-%j %H", "%j is not known"),
    ],
)
def test_a_format_that_cannot_give_a_time_is_refused(form: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TextFormat.of(form)
