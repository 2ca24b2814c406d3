"""Bad shapes and their neighbours: well formed, the same on every run, and bad in their own way."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from dp.audits.events import ELSEWHERE, UNLABELLED, Event
from dp.audits.neighbours import neighbours, some_persons, without
from dp.audits.shapes import INSTANTS_ONLY, SHAPES

DATES = (86_400, 82_800, 90_000)


@pytest.fixture(params=SHAPES)
def found(request: pytest.FixtureRequest) -> list[Event]:
    return SHAPES[request.param](DATES, 5)


def test_every_event_lies_within_its_date_and_the_places(found: list[Event]) -> None:
    assert found
    for event in found:
        length = DATES[event.date]
        assert 0 <= event.at < length, event
        assert event.until is None or event.at <= event.until <= length, event
        assert ELSEWHERE <= event.place < 5
        assert UNLABELLED <= event.label <= 2
        assert 0 <= event.spot < 400


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_the_same_on_every_run(name: str) -> None:
    assert SHAPES[name](DATES, 5) == SHAPES[name](DATES, 5)
    assert SHAPES[name](DATES[:1], 2)


def test_shapes_of_instants_have_no_spans_and_state_no_stays() -> None:
    plain = {
        name
        for name, shape in SHAPES.items()
        if not any(e.stated or e.until is not None for e in shape(DATES, 5))
    }
    assert plain == set(INSTANTS_ONLY)


def test_the_hub_is_everywhere_and_the_others_are_not() -> None:
    places = defaultdict(set)
    for event in SHAPES["hub"](DATES, 5):
        places[event.person].add(event.place)
    assert Counter(map(len, places.values())) == {5: 1, 1: 3}


def test_people_together_differ_in_their_names_alone() -> None:
    rows = defaultdict(list)
    for e in SHAPES["together"](DATES, 5):
        rows[e.person].append((e.date, e.at, e.place, e.spot))
    assert len(rows) == 3
    assert len({tuple(r) for r in rows.values()}) == 1


def test_a_mover_lives_elsewhere_once_some_dates_are_gone() -> None:
    found = SHAPES["mover"](DATES, 5)
    homes = defaultdict(set)
    for event in found:
        homes[event.person].add((event.date, event.place))
    assert homes["mover1"] == {(0, 0), (1, 1), (2, 1)}
    assert {e.place for e in without(found, "mover1", range(1, 3)) if e.person == "mover1"} == {0}


@pytest.mark.parametrize(("window", "windows"), [(1, 3), (2, 2), (3, 1), (None, 1), (9, 1)])
def test_neighbours_lack_one_persons_window(window: int | None, windows: int) -> None:
    found = SHAPES["together"](DATES, 5)
    made = list(neighbours(found, dates=3, window=window))
    assert len(made) == 3 * windows
    for one in made:
        gone = [e for e in found if e not in set(one.events)]
        assert {e.person for e in gone} == {one.person}
        assert {e.date for e in gone} == set(one.dates)
        assert len(gone) + len(one.events) == len(found)


def test_a_window_without_records_gives_no_neighbour() -> None:
    alone = [Event("p", 1, 0, 0)]
    assert [one.dates for one in neighbours(alone, dates=3, window=1)] == [range(1, 2)]


def test_of_a_crowd_some_are_taken_and_the_last_among_them() -> None:
    crowd = [Event(f"p{i:03d}", 0, 0, 0) for i in range(100)]
    few = some_persons(crowd, 7)
    assert len(set(few)) == 7
    assert few == sorted(few)
    assert few[-1] == "p099"
    assert some_persons(crowd, None) == some_persons(crowd, 100)


@pytest.mark.parametrize("wrong", [{"window": 0}, {"most": 0}])
def test_less_than_one_window_or_person_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be 1 or more"):
        list(neighbours([Event("p", 0, 0, 0)], dates=1, **wrong))
