"""Tables that read many dates: a window taken out moves a person, by the replace bounds at most."""

from __future__ import annotations

import pytest
from road import ZONES, Road, Vectors, make_road
from road_laws import broken
from road_spec import SPANNING, VARIANTS, tables_of

from dp.audits.distance import difference, norms
from dp.audits.neighbours import without
from dp.audits.shapes import SHAPES
from dp.bounds import Bounds

DATES, WINDOW = 28, 7
TRIED = tuple(variant for variant in VARIANTS if tables_of(variant, SPANNING))


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Road:
    """28 dates, of which a window of the policy holds 7; one table of single dates beside."""
    folder = tmp_path_factory.mktemp("road") / "month"
    return make_road(folder, TRIED, days=DATES, window=WINDOW, tables=("panel", *SPANNING))


@pytest.fixture(scope="module")
def moved(road: Road) -> tuple[Vectors, Vectors]:
    """All tables with and without the first week of one who lives in one place, then another."""
    events = SHAPES["mover"](road.lengths, ZONES)
    road.people(events)
    return road.count(events), road.count(without(events, "mover14", range(WINDOW)))


def test_each_of_them_reads_all_dates_under_replace_bounds(road: Road) -> None:
    measured = {one.table: one for one in road.measurements.values()}
    assert SPANNING
    for table in SPANNING:
        assert road.dates_read(measured[table]) == set(range(DATES))
        assert measured[table].bounds.l2_squared % 2 == 0


def test_a_window_of_a_mover_moves_them_by_no_more_than_declared(
    road: Road, moved: tuple[Vectors, Vectors]
) -> None:
    assert broken(road, *moved, dict.fromkeys(range(WINDOW), "mover14")) == []


@pytest.mark.parametrize(("shape", "person"), [("sleepers", "turns"), ("hermit", "home")])
def test_nor_does_a_window_of_anybody_else(road: Road, shape: str, person: str) -> None:
    events = SHAPES[shape](road.lengths, ZONES)
    road.people(events)
    whole, last = road.count(events), range(DATES - WINDOW, DATES)
    gone = dict.fromkeys(last, person)
    assert broken(road, whole, road.count(without(events, person, last)), gone) == []


@pytest.mark.parametrize("variant", TRIED)
def test_moving_needs_more_than_the_bounds_of_vanishing(
    road: Road, moved: tuple[Vectors, Vectors], variant: str
) -> None:
    """Else these laws would hold of add and remove too, and show nothing of replace."""
    whole, other = moved
    for name, one in road.measurements.items():
        if name.startswith(variant) and one.table in SPANNING and one.lift is None:
            change = norms(difference(whole[name], other[name]))
            assert change == Bounds(l0=2, l1=2, l2_squared=2, linf=1)


def test_bounds_that_forget_replace_are_caught(
    road: Road, moved: tuple[Vectors, Vectors], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bounds, "replaced", lambda self: self)
    folder = road.folder.with_name("forgetful")
    planted = make_road(folder, TRIED, days=DATES, window=WINDOW, tables=("panel", *SPANNING))
    gone = dict.fromkeys(range(WINDOW), "mover14")
    assert {name.split(":")[1] for name in broken(planted, *moved, gone)} == set(SPANNING)
