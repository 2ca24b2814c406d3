"""Transitions: which changes of zone count, and which are a phone at rest."""

from __future__ import annotations

from harness import Bench, make_world, spot
from reference import Record

from pipelines.traces.transitions import transitions_sql

MIN = 60
WORLD = make_world(4)


def moves(*seen: tuple[int, int], gap: int = 240, swing: int = 10) -> list[tuple[int, int]]:
    """Moves of one person seen at (minute, zone)."""
    records = [Record(t * MIN, zone, t * MIN, **spot(zone)) for t, zone in seen]
    sql = transitions_sql(WORLD, max_gap_s=gap * MIN, oscillation_s=swing * MIN)
    rows = Bench(records, WORLD).rows(f"SELECT t_depart, origin, destination FROM ({sql}) AS t")
    return [(origin, destination) for _, origin, destination in rows]


def test_two_zones_within_the_gap_are_a_move_and_a_minute_later_none() -> None:
    assert moves((0, 1), (240, 2)) == [(1, 2)]
    assert moves((0, 1), (241, 2)) == []


def test_a_swing_to_a_tower_and_back_is_no_move() -> None:
    assert moves((0, 1), (4, 2), (10, 1)) == []
    assert moves((0, 1), (4, 2), (11, 1)) == [(1, 2), (2, 1)]


def test_a_chain_of_swings_leaves_where_it_began_and_ended() -> None:
    assert moves((0, 1), (4, 2), (8, 1), (12, 2), (16, 1)) == []
    assert moves((0, 1), (4, 2), (8, 1), (12, 2)) == [(1, 2)]


def test_the_swing_is_measured_between_the_records_of_the_zone_at_rest() -> None:
    assert moves((0, 1), (100, 1), (104, 2), (108, 1), (200, 1)) == []
    assert moves((0, 1), (4, 2), (8, 3), (12, 1)) == [(1, 2), (2, 3), (3, 1)]


def test_outside_is_no_zone_to_move_to_or_from() -> None:
    assert moves((0, 1), (30, -1), (60, 2)) == []
    assert moves((0, 1), (4, -1), (8, 1), (30, 2)) == [(1, 2)]


def test_a_zone_seen_again_after_a_long_time_is_no_move() -> None:
    assert moves((0, 1), (600, 1), (630, 2)) == [(1, 2)]
