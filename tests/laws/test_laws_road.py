"""From files to the bounded table: nobody moves it further than declared, and no other date does.

What is taken out is one person's records, or one person's window of them; what is asked is what
the door would get. In the quick profile each run takes another person out of each date (a date's
totals are a function of that date's records, which is the second law here); the nightly profile
takes out every person, in every window.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from road import ZONES, Road, make_road
from road_laws import NIGHTLY, WAYS, broken, interference, tried
from road_spec import NEUTRAL, ONE_DATE, OPTIONS, VARIANTS, tables_of

from dp.audits.distance import difference, exceeded, norms
from dp.audits.events import Event
from dp.audits.neighbours import without
from dp.audits.shapes import SHAPES
from pipelines.tables import TABLES

CAPPED = ("hub", "pendulum")


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Road:
    """Dates of 24, 25 and 24 hours; three variants of every table."""
    return make_road(tmp_path_factory.mktemp("road") / "autumn")


@pytest.fixture(scope="module")
def spring(tmp_path_factory: pytest.TempPathFactory) -> Road:
    """Dates of 24, 23 and 24 hours."""
    return make_road(tmp_path_factory.mktemp("road") / "spring", start=dt.date(2026, 3, 6))


@pytest.fixture(scope="module")
def two_ids(tmp_path_factory: pytest.TempPathFactory) -> Road:
    """A person has two identifiers that nothing unites."""
    return make_road(tmp_path_factory.mktemp("road") / "ids", ids=2)


@pytest.mark.parametrize(
    ("shape", "date", "way"), [(s, i % 3, i % 4) for i, s in enumerate(SHAPES)]
)
def test_no_person_of_a_bad_shape_moves_a_table_and_no_other_date_does(
    road: Road, shape: str, date: int, way: int
) -> None:
    """No further than declared; and with all other dates changed, a date's tables stay as bytes."""
    assert tried(road, SHAPES[shape](road.lengths, ZONES), elsewhere=(date, way)) == []


@pytest.mark.parametrize("shape", ["midnight", "clock_change", "spans"])
def test_nor_where_clocks_go_forward(spring: Road, shape: str) -> None:
    assert [day.length_s for day in spring.days] == [86_400, 82_800, 86_400]
    assert tried(spring, SHAPES[shape](spring.lengths, ZONES)) == []


@st.composite
def worlds(draw: st.DrawFn) -> list[Event]:
    """A few people's records, drawn so that ties, odd gaps and overlaps are common."""
    steps = st.sampled_from([0, 0, 1, 59, 600, 1201, 3599, 3600, 7200, 7201, 28_800, 28_801])
    found = []
    for person in draw(st.lists(st.sampled_from("abcd"), min_size=2, max_size=4, unique=True)):
        for date in draw(st.sets(st.integers(0, 2), min_size=1)):
            at = draw(st.sampled_from([0, 1, 3600, 50_000]))
            for _ in range(draw(st.integers(1, 12))):
                until = min(at + draw(steps), 86_400) if draw(st.booleans()) else None
                place = draw(st.sampled_from([-1, 0, 0, 1, 2, 3]))
                found.append(
                    Event(
                        person,
                        date,
                        at,
                        place,
                        until=until,
                        stated=draw(st.booleans()),
                        label=draw(st.integers(-1, 2)),
                        spot=draw(st.sampled_from([0, 300])),
                    )
                )
                at = min(at + draw(steps), 86_399)
    return draw(st.permutations(found + found[: draw(st.integers(0, 3))]))


@settings(max_examples=max(3, settings().max_examples if NIGHTLY else 0), deadline=None)
@given(events=worlds())
def test_nor_does_anybody_in_a_random_world(road: Road, events: list[Event]) -> None:
    assert tried(road, events) == []


@pytest.mark.parametrize("shape", CAPPED)
def test_a_person_with_two_ids_moves_a_table_twice_as_far_and_no_further(
    two_ids: Road, shape: str
) -> None:
    events = SHAPES[shape](two_ids.lengths, ZONES)
    person = {"hub": "hub", "pendulum": "left"}[shape]
    two_ids.people(events)
    whole, other = two_ids.count(events), two_ids.count(without(events, person))
    gone = dict.fromkeys(range(3), person)
    assert broken(two_ids, whole, other, gone) == []
    one_id = [
        name
        for name, one in two_ids.measurements.items()
        if exceeded(norms(difference(whole[name], other[name])), _halved(one.bounds))
    ]
    assert one_id, "nobody needs the second id's room: this test would prove nothing"


def _halved(bounds: object) -> object:
    return replace(
        bounds,  # type: ignore[type-var]
        l0=bounds.l0 // 2,  # type: ignore[attr-defined]
        l1=bounds.l1 // 2,  # type: ignore[attr-defined]
        l2_squared=bounds.l2_squared // 4,  # type: ignore[attr-defined]
        linf=bounds.linf // 2,  # type: ignore[attr-defined]
    )


@pytest.fixture(scope="module")
def reached(road: Road) -> dict[str, float]:
    """How near the worst of a few people come to each bound that the noise is made for."""
    most: dict[str, float] = {}
    for shape, person in (("hub", "hub"), ("pendulum", "left"), ("checkins", "tour")):
        events = SHAPES[shape](road.lengths, ZONES)
        road.people(events)
        whole, other = road.count(events), road.count(without(events, person))
        for name, one in road.measurements.items():
            norm = "l1" if one.law.kind == "discrete_laplace" else "l2_squared"
            change = norms(difference(whole[name], other[name]))
            part = getattr(change, norm) / getattr(one.bounds, norm) if change else 0.0
            label = name.rpartition(":")[0]
            most[label] = max(most.get(label, 0.0), part)
    return most


@pytest.mark.parametrize(
    ("variant", "table"), [(v, t) for v in VARIANTS for t in tables_of(v, ONE_DATE)]
)
def test_the_declared_bounds_are_nearly_reached(
    reached: dict[str, float], variant: str, table: str
) -> None:
    assert 0.9 <= reached[f"{variant}:{table}"] <= 1.0


@pytest.mark.skipif(not NIGHTLY, reason="nightly: every shape, date and way")
@pytest.mark.parametrize("way", range(len(WAYS)))
@pytest.mark.parametrize("date", range(3))
@pytest.mark.parametrize("shape", SHAPES)
def test_no_way_to_change_other_dates_reaches_a_date(
    road: Road, shape: str, date: int, way: int
) -> None:
    assert interference(road, SHAPES[shape](road.lengths, ZONES), date, way) == []


def test_every_option_of_every_table_is_tried() -> None:
    for table in TABLES.values():
        missing = set(table.params.model_fields) - set(OPTIONS) - NEUTRAL
        assert not missing, (
            f"{table.name}: say in tests/laws/road_spec.py what to try for {missing}"
        )


def test_every_file_holds_records_and_every_table_counts_some(road: Road, tmp_path: Path) -> None:
    """Else the laws would hold of nothing."""
    events = [
        e for shape in ("hub", "spans", "checkins") for e in SHAPES[shape](road.lengths, ZONES)
    ]
    road.people(events)
    found = road.count(events)
    assert {name for name, vector in found.items() if not vector.any()} == set()
    sizes = {p.name: p.stat().st_size for p in road.folder.rglob("*.parquet")}
    assert len(sizes) == 3
    assert min(sizes.values()) > 2_000
    assert (road.folder / "fixes.csv").stat().st_size > 2_000
