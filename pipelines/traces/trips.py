"""Trips: two consecutive stays of a date in different zones, far enough apart."""

from __future__ import annotations

import math

from pipelines.schemas.traces import TraceParams
from pipelines.schemas.world import World
from pipelines.schemas.zones import ZoneSet
from pipelines.traces.dates import Dated
from pipelines.traces.moments import Moments
from pipelines.traces.roots import root_sql

_METRES_PER_DEGREE = 111_195
_E7 = 10_000_000
_MILLION = 1_000_000
_CIRCLE_E7 = 360 * _E7


def cosine_ppm(zones: ZoneSet) -> int:
    """Return the cosine of the zone set's middle latitude, in parts per million.

    One public number for all zones: the distance of two stays is off by at most the change of the
    cosine over the zone set, under 1% for a city and some 4% at the ends of a country of 5 degrees.
    """
    south, north = (float(zones.frame.total_bounds[i]) for i in (1, 3))
    return round(math.cos(math.radians((south + north) / 2)) * _MILLION)


def reach_e7(min_trip_m: int) -> int:
    """Return a distance in 10^-7 degrees of latitude, rounded up.

    >>> reach_e7(500)
    44967
    """
    return -(-min_trip_m * _E7 // _METRES_PER_DEGREE)


def trips_sql(params: TraceParams, world: World) -> str:
    """Return the SELECT of ``trips``.

    A stay outside the zones is a stay: it ends the trip before it and starts the one after it,
    and both are dropped. Squares stay below 2^63: no difference passes 1.8 * 10^9.
    """
    dated, m = Dated.of(world.calendar), Moments.of(len(world.zones)).at("t_first", "zone")
    after = f"OVER (PARTITION BY {dated.own} ORDER BY m)"
    columns = "d, person, origin, destination, t_depart, t_arrive"
    return (
        f"WITH paired AS (SELECT {dated.own}, zone AS origin, t_end AS t_depart, lat_e7, lon_e7, "
        f"LEAD(zone) {after} AS destination, LEAD(t_start) {after} AS t_arrive, "
        f"LEAD(lat_e7) {after} AS lat_next, LEAD(lon_e7) {after} AS lon_next "
        f"FROM (SELECT *, {m} AS m FROM spots) AS ordered), "
        f"moved AS (SELECT {dated.d}, person, origin, destination, t_depart, t_arrive, "
        "ABS(CAST(lat_next AS BIGINT) - lat_e7) AS north, "
        "ABS(CAST(lon_next AS BIGINT) - lon_e7) AS around FROM paired "
        "WHERE origin >= 0 AND destination >= 0 AND origin <> destination), "
        "flat AS (SELECT d, person, origin, destination, t_depart, t_arrive, north, "
        f"LEAST(around, {_CIRCLE_E7} - around) * {cosine_ppm(world.zones)} // {_MILLION} AS east "
        "FROM moved), "
        "far AS (SELECT * FROM flat "
        f"WHERE north * north + east * east >= {reach_e7(params.min_trip_m) ** 2}), "
        f"measured AS ({root_sql('far', columns=columns, a='north', b='east', name='e7')}) "
        f"SELECT {columns}, CAST(e7 * {_METRES_PER_DEGREE} // {_E7} AS INTEGER) AS distance_m "
        "FROM measured"
    )
