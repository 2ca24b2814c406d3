"""The worked day of worked_day.md comes out of the statements as it does by hand."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness import Bench, calendar, labelled, spot, zone_set
from reference import Record

from pipelines.schemas.world import World
from pipelines.tables import TABLES

HERE = Path(__file__).parent
ZONES = ("harbour", "market", "school")
CALENDAR = calendar(dt.date(2026, 3, 2), days=1, time_zone="Asia/Seoul")
WORLD = World(calendar=CALENDAR, zones=replace(zone_set(3), ids=ZONES))


def lines(name: str) -> Iterator[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


def seconds(clock: str) -> int:
    """Seconds since 04:00 of a local time; 00:00 to 03:59 end the date."""
    hour, minute = (int(part) for part in clock.split(":"))
    return (hour - 4) % 24 * 3600 + minute * 60


def records() -> list[Record]:
    found = []
    for line in lines("records.csv"):
        zone = ZONES.index(line["zone"]) if line["zone"] in ZONES else -1
        start, end = seconds(line["from"]), seconds(line["to"] or line["from"])
        declared = line["kind"] == "visit" and not line["to"]
        found.append(Record(start, zone, end, line["person"], 0, **spot(zone), declared=declared))
    return found


def expected(name: str) -> dict[tuple[str | int, ...], int]:
    table = TABLES[name]
    keys = table.keys(WORLD, table.params(table=name), CALENDAR.dates[0]).names
    counts = TABLES[name].counts
    return {
        tuple(int(line[k]) if k == "bin" else line[k] for k in keys): int(line[counts])
        for line in lines(f"{name}.csv")
    }


def released(name: str, **options: Any) -> dict[tuple[str | int, ...], float]:
    """A table before noise, in released units, by its labels."""
    table, day = TABLES[name], CALENDAR.dates[0]
    params = table.params(table=name, **options)
    totals = Bench(records(), WORLD).totals(table, params)[0]
    factor = table.rule(WORLD, params, day, None).factor
    cells = labelled(totals, table.keys(WORLD, params, day))
    return {label: total / factor for label, total in cells.items()}


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_those_worked_by_hand(name: str) -> None:
    assert released(name) == expected(name)


def test_the_middles_in_the_presence_file_are_those_of_the_bins() -> None:
    for line in lines("presence.csv"):
        assert seconds(line["middle"]) == int(line["bin"]) * 3600 + 1800


def test_with_a_cap_of_one_trip_ana_counts_as_the_page_says() -> None:
    ana, one = 2896 / 4096, 1.0
    assert released("od_flows", cap=1) == {
        ("harbour", "market"): ana,
        ("market", "harbour"): ana,
        ("school", "market"): one,
        ("harbour", "school"): one,
    }


FORTNIGHT = replace(WORLD, calendar=calendar(dt.date(2026, 3, 2), days=16, time_zone="Asia/Seoul"))


def nights(person: str, told: str) -> Iterator[Record]:
    """Two records a night, 20:00 and 03:00, in the place of each night; noon of an unseen one."""
    words = told.split()
    places = [
        place for n, place in zip(words[::2], words[1::2], strict=True) for _ in range(int(n))
    ]
    for d, place in enumerate(places):
        zone = ZONES.index(place) if place in ZONES else -1
        if place == "unseen":
            noon = seconds("12:00")
            yield Record(noon, 2, noon, person, d, **spot(2))
            continue
        for t in (seconds("20:00"), seconds("03:00")):
            yield Record(t, zone, t, person, d, **spot(zone))


def test_homes_of_a_fortnight_are_those_of_the_page() -> None:
    table, people = TABLES["home"], list(lines("home_fortnight.csv"))
    params = table.params(table="home")
    keys = table.keys(FORTNIGHT, params, FORTNIGHT.calendar.dates[-1])
    together = Counter[str]()
    for line in people:
        found = Bench(nights(line["person"], line["nights"]), FORTNIGHT).totals(table, params)
        counted = [
            label for label, total in labelled(found[15], keys).items() for _ in range(total)
        ]
        expected = [] if line["home"] == "not counted" else [(line["home"],)]
        assert counted == expected, line["person"]
        assert set(found) <= {15}
        together.update(label for (label,) in counted)
    crowd = [r for line in people for r in nights(line["person"], line["nights"])]
    cells = labelled(Bench(crowd, FORTNIGHT).totals(table, params)[15], keys)
    assert cells == {(label,): n for label, n in together.items()}
