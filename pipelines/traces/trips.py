"""Trips: two consecutive stays of a date in different zones, far enough apart."""

from __future__ import annotations

import math

from pipelines.schemas.traces import TraceParams
from pipelines.schemas.zones import ZoneSet
from pipelines.traces.roots import root_sql

_METRES_PER_DEGREE = 111_195
_E7 = 10_000_000
_MILLION = 1_000_000
_CIRCLE_E7 = 360 * _E7
_NEXT = "OVER (PARTITION BY person, d ORDER BY t_start, t_end, zone)"


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


def trips_sql(params: TraceParams, zones: ZoneSet) -> str:
    """Return the SELECT of ``trips``.

    A stay outside the zones is a stay: it ends the trip before it and starts the one after it,
    and both are dropped. Squares stay below 2^63: no difference passes 1.8 * 10^9.
    """
    columns = "d, person, origin, destination, t_depart, t_arrive"
    return (
        "WITH paired AS (SELECT d, person, zone AS origin, t_end AS t_depart, lat_e7, lon_e7, "
        f"LEAD(zone) {_NEXT} AS destination, LEAD(t_start) {_NEXT} AS t_arrive, "
        f"LEAD(lat_e7) {_NEXT} AS lat_next, LEAD(lon_e7) {_NEXT} AS lon_next FROM spots), "
        "moved AS (SELECT d, person, origin, destination, t_depart, t_arrive, "
        "ABS(CAST(lat_next AS BIGINT) - lat_e7) AS north, "
        "ABS(CAST(lon_next AS BIGINT) - lon_e7) AS around FROM paired "
        "WHERE origin >= 0 AND destination >= 0 AND origin <> destination), "
        "flat AS (SELECT d, person, origin, destination, t_depart, t_arrive, north, "
        f"LEAST(around, {_CIRCLE_E7} - around) * {cosine_ppm(zones)} // {_MILLION} AS east "
        "FROM moved), "
        "far AS (SELECT * FROM flat "
        f"WHERE north * north + east * east >= {reach_e7(params.min_trip_m) ** 2}), "
        f"measured AS ({root_sql('far', columns=columns, a='north', b='east', name='e7')}) "
        f"SELECT {columns}, CAST(e7 * {_METRES_PER_DEGREE} // {_E7} AS INTEGER) AS distance_m "
        "FROM measured"
    )
