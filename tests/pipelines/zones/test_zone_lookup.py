"""The polygon lookup: every point in exactly one zone, by exact arithmetic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from zone_truth import built, degrees_of, e7, field, held, jagged, located

from pipelines.errors import ZoneError
from pipelines.schemas.zones import OUTSIDE
from pipelines.zones.arrangement import arrange, dissolved
from pipelines.zones.coordinates import to_degrees, to_units
from pipelines.zones.edges import edges_of
from pipelines.zones.polygon_lookup import polygon_lookup

PLACES = [
    (1_269_876_543, 374_123_456),  # Korea
    (-582_345_678, -346_123_457),  # Argentina: west and south
    (-7, -11),  # across longitude 0 and the equator
    (1_799_999_960, 10),  # up to longitude 180
    (-1_800_000_000, -170_000_003),  # from longitude -180
    (100_000_000, 899_999_950),  # up to the pole
]

places = st.sampled_from(PLACES)
spots = st.tuples(st.integers(0, 22), st.integers(0, 22))


@st.composite
def subdivisions(draw: st.DrawFn) -> list[shapely.Geometry]:
    """Triangles between whole points, dealt out to a few zones: shared edges, holes, islands."""
    points = draw(st.lists(spots, min_size=4, max_size=14, unique=True))
    faces = shapely.get_parts(shapely.delaunay_triangles(shapely.multipoints(points)))
    count = draw(st.integers(1, 4))
    owner = np.array(
        draw(st.lists(st.integers(-1, count - 1), min_size=len(faces), max_size=len(faces))),
        dtype=np.int64,
    )
    zones = [shapely.union_all(faces[owner == zone]) for zone in range(count)]
    return [zone for zone in zones if not zone.is_empty]


@st.composite
def tangles(draw: st.DrawFn) -> list[shapely.Geometry]:
    """Polygons that overlap and cross between whole points."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        points = draw(st.lists(spots, min_size=3, max_size=7, unique=True))
        hull = shapely.concave_hull(shapely.multipoints(points), ratio=0.2)
        found.append(hull)
    return [hull for hull in found if hull.geom_type == "Polygon" and hull.area > 0]


TOUCHING = [
    shapely.from_wkt("POLYGON ((0 1, 0 3, 1 4, 2 0, 0 1), (1 3, 1 2, 2 0, 1 3))"),
    shapely.from_wkt("MULTIPOLYGON (((0 0, 0 1, 2 0, 0 0)), ((1 2, 1 3, 2 0, 1 2)))"),
]
"""A hole that touches its ring, less than a unit wide: taken for a map to be rounded."""


@settings(max_examples=60, deadline=None)
@given(subdivisions(), places, st.integers(2, 6), st.integers(1, 8))
@example(TOUCHING, PLACES[0], 2, 1)
def test_every_point_of_a_subdivision_is_in_the_zone_that_arithmetic_says(
    zones: list[shapely.Geometry], place: tuple[int, int], bits: int, leaf_bits: int
) -> None:
    assume(zones)
    shapes = degrees_of(zones, east=place[0], north=place[1])
    lookup, published = built(shapes, bits=bits, leaf_bits=leaf_bits)
    lat, lon = field(shapes)
    fits = (lon < 1_800_000_000) & (lon >= -1_800_000_000) & (lat <= 900_000_000)
    lat, lon = lat[fits], lon[fits]
    zone = located(lookup, lat, lon)
    np.testing.assert_array_equal(zone, held(published, lat, lon))
    if shapely.coverage_is_valid(to_units(shapes)):  # else borders may move by up to a unit
        np.testing.assert_array_equal(zone, held(shapes, lat, lon))
        assert shapely.equals(published, shapely.set_precision(shapes, 0)).all()


@settings(max_examples=60, deadline=None)
@given(tangles(), places, st.integers(2, 6), st.integers(1, 8))
def test_every_point_of_a_tangle_is_in_one_published_zone_and_the_first_wins(
    zones: list[shapely.Geometry], place: tuple[int, int], bits: int, leaf_bits: int
) -> None:
    assume(zones)
    shapes = degrees_of(zones, east=place[0], north=place[1])
    whole = arrange(shapes)
    assume(np.isin(np.arange(len(zones)), whole.owner).all())
    lookup, published = built(shapes, bits=bits, leaf_bits=leaf_bits)
    lat, lon = field(shapes)
    fits = (lon < 1_800_000_000) & (lon >= -1_800_000_000) & (lat <= 900_000_000)
    lat, lon = lat[fits], lon[fits]
    zone = located(lookup, lat, lon)
    np.testing.assert_array_equal(zone, held(published, lat, lon))
    points = shapely.points(lon - place[0], lat - place[1])
    drawn = np.array(zones, dtype=object)
    near = np.any([shapely.distance(hull.boundary, points) < 1.5 for hull in drawn], axis=0)
    first = np.full(len(lat), OUTSIDE)
    for number in reversed(range(len(drawn))):
        first[shapely.contains(drawn[number], points)] = number
    np.testing.assert_array_equal(zone[~near], first[~near])


@pytest.fixture(scope="module")
def city() -> np.ndarray:
    return jagged(150, levels=5, extent=(126.7, 37.2, 127.2, 37.7), seed=3)


def test_random_points_of_a_jagged_city_agree_with_shapely(city: np.ndarray) -> None:
    lookup, published = built(city)
    rng = np.random.default_rng(5)
    lon, lat = e7(rng.uniform(126.65, 127.25, 50_000)), e7(rng.uniform(37.15, 37.75, 50_000))
    zone = located(lookup, lat, lon)
    tree = shapely.STRtree(shapely.points(lon / 1e7, lat / 1e7))
    number, point = tree.query(city, predicate="contains_properly")
    expected = np.full(len(lat), OUTSIDE)
    expected[point] = number
    edge = shapely.union_all(shapely.boundary(city))
    shapely.prepare(edge)
    off = ~shapely.dwithin(edge, shapely.points(lon / 1e7, lat / 1e7), 3e-7)
    assert off.mean() > 0.99
    np.testing.assert_array_equal(zone[off], expected[off])
    np.testing.assert_array_equal(zone[:4_000], held(published, lat[:4_000], lon[:4_000]))


def test_vertices_and_corners_of_cells_fall_in_exactly_one_zone(city: np.ndarray) -> None:
    lookup, published = built(city)
    corners = shapely.get_coordinates(published)
    rng = np.random.default_rng(6)
    some = rng.choice(len(corners), 2_500, replace=False)
    lon, lat = e7(corners[some, 0]), e7(corners[some, 1])
    side = 1 << lookup.bits
    cell_lon = (lon + 1_800_000_000) // side * side - 1_800_000_000
    cell_lat = (lat + 900_000_000) // side * side - 900_000_000
    lon = np.concatenate([lon, cell_lon, cell_lon, lon, cell_lon - 1])
    lat = np.concatenate([lat, cell_lat, lat, cell_lat, cell_lat - 1])
    np.testing.assert_array_equal(located(lookup, lat, lon), held(published, lat, lon))


def test_on_a_border_a_point_goes_east_or_north_of_it() -> None:
    squares = [shapely.box(x, y, x + 10, y + 10) for x, y in [(0, 0), (10, 0), (0, 10), (10, 10)]]
    lookup, _ = built(degrees_of(squares))
    on = {(10, 10): 3, (10, 5): 1, (5, 10): 2, (0, 0): 0, (20, 5): OUTSIDE, (5, 20): OUTSIDE}
    lon, lat = zip(*on, strict=True)
    assert located(lookup, lat, lon).tolist() == list(on.values())


def test_a_country_of_thousands_of_zones_stays_small_and_right() -> None:
    country = jagged(5_500, levels=3, extent=(125.0, 33.0, 130.0, 38.5), seed=1)
    assert len(country) >= 5_000
    lookup, published = built(country)
    assert sum(table.num_rows for table in lookup.relations.values()) < 1_500_000
    rng = np.random.default_rng(2)
    lon, lat = e7(rng.uniform(125, 130, 40_000)), e7(rng.uniform(33, 38.5, 40_000))
    points = shapely.points(lon / 1e7, lat / 1e7)
    number, point = shapely.STRtree(points).query(published, predicate="contains_properly")
    expected = np.full(len(lat), OUTSIDE)
    expected[point] = number
    zone = located(lookup, lat, lon)
    apart = np.flatnonzero(zone != expected)  # only points on a border may be there
    assert len(apart) < 20
    if len(apart):
        edges = shapely.union_all(shapely.boundary(published))
        assert shapely.dwithin(edges, points[apart], 1e-7).all()


def test_points_without_a_place_or_far_away_are_outside(city: np.ndarray) -> None:
    lookup, _ = built(city)
    lat = [None, 374_000_000, None, 0, -900_000_000, 900_000_000, 2**31 - 1, -(2**31)]
    lon = [None, None, 1_269_000_000, 0, -1_800_000_000, 1_800_000_000, 2**31 - 1, -(2**31)]
    assert located(lookup, lat, lon).tolist() == [OUTSIDE] * len(lat)


def test_longitude_180_is_the_meridian_of_minus_180() -> None:
    lookup, _ = built(np.array([shapely.box(-180, 5, -179, 6)], dtype=object))
    assert located(lookup, [55_000_000] * 2, [1_800_000_000, -1_800_000_000]).tolist() == [0, 0]


def test_edges_that_cross_are_refused_instead_of_looked_up_wrongly() -> None:
    shapes = degrees_of([shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)])
    whole = arrange(shapes)
    edges = edges_of(whole)
    upright = np.flatnonzero(edges.x1 == edges.x2)
    broken = edges.x2.copy()
    broken[upright[0]] += 150  # the first of three upright edges now leans over the others
    with pytest.raises(ZoneError, match="cross each other"):
        polygon_lookup(replace(edges, x2=broken), dissolved(whole))


def test_building_twice_gives_the_same_relations(city: np.ndarray) -> None:
    one, first = built(city)
    two, second = built(city[::-1][::-1])
    assert all(one.relations[name].equals(two.relations[name]) for name in one.relations)
    assert shapely.equals_identical(first, second).all()


def test_long_straight_borders_are_exact() -> None:
    """Edges of five degrees and slopes of one unit in millions."""
    wedge = shapely.Polygon([(0, 0), (50_000_000, 1), (50_000_000, 3_000), (0, 2_999)])
    under = shapely.Polygon([(0, 0), (0, -2_000), (50_000_000, -2_000), (50_000_000, 1)])
    shapes = degrees_of([wedge, under], east=-1_234_567_890, north=-123_456_789)
    lookup, published = built(shapes)
    rng = np.random.default_rng(8)
    lon = rng.integers(0, 50_000_001, 20_000) - 1_234_567_890
    lat = rng.integers(-3, 5, 20_000) - 123_456_789
    truth = held(published, lat, lon)
    assert set(truth.tolist()) == {0, 1}
    np.testing.assert_array_equal(located(lookup, lat, lon), truth)
    assert shapely.equals(to_degrees(dissolved(arrange(shapes))), published).all()
