"""The private relations that statements read. One place says their columns and meanings.

Every relation is per person and date: ``d`` is the number of the mobility day, ``person`` an
opaque key (its type is the engine's), times are whole seconds since that day's start, zones are
numbers (``OUTSIDE`` = -1 is a known place in no zone). Half-open spans: [t_start, t_end).

The engine provides ``points`` and ``days``; ``pipelines.traces`` makes the others from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PROVIDED = frozenset({"points", "days"})
"""What the engine provides."""

RELATIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "points": {
            "d": "INTEGER: number of the date",
            "person": "opaque person key",
            "t": "INTEGER: seconds since the date's start, at least 0 and below its length",
            "t2": "INTEGER: end of the record, t <= t2 <= length; equal to t for a fix and for a"
            " visit without an end; a record that spans dates is cut at day starts into one"
            " record a date. Absent where every record is a fix",
            "zone": "INTEGER: zone number or -1",
            "lat_e7": "INTEGER: latitude times 10^7; the zone's point where none is given",
            "lon_e7": "INTEGER: longitude times 10^7",
            "declared": "BOOLEAN: the record is a visit. One without length (a check-in: t2 = t) is"
            " a stay by declaration. One with a length is a stay if it lasts min_dwell: the minutes"
            " that a day start cuts off are no stay of their own. Absent where every record is a"
            " fix",
            "category": "INTEGER: number of the place category in the spec's list; the list's"
            " length where it is not listed, -1 for none. Absent where no table asks for them",
            "stratum": "INTEGER: number of the person's combination of strata, the same in all of a"
            " person's records. Absent where the spec declares no strata",
        },
        "runs": {
            "d": "INTEGER",
            "person": "opaque person key",
            "zone": "INTEGER: zone number or -1",
            "t_start": "INTEGER: start of the known position, the midpoint rule applied",
            "t_first": "INTEGER: first record",
            "t_last": "INTEGER: end of the last record, at most the first record of the next run",
            "t_end": "INTEGER: end of the known position; runs of a person never overlap",
            "t_seen": "INTEGER: start of the last record: the run's records are those of its zone"
            " from t_first to t_seen, both included",
            "declared": "BOOLEAN: holds a check-in",
            "zone_before": "INTEGER: zone of the run before; its own where it is the first",
            "t_before": "INTEGER: t_last of the run before; t_first where it is the first",
            "zone_next": "INTEGER: zone of the run after; its own where it is the last",
            "t_next": "INTEGER: t_first of the run after; the latest end of its own records where"
            " it is the last",
        },
        "stays": {
            "d": "INTEGER",
            "person": "opaque person key",
            "zone": "INTEGER: zone number or -1",
            "t_start": "INTEGER",
            "t_end": "INTEGER: (t_first, zone) is the order in which they happened",
            "t_first": "INTEGER",
            "t_seen": "INTEGER",
        },
        "spots": {
            "d": "INTEGER",
            "person": "opaque person key: one who has stays in two zones or more on that date",
            "zone": "INTEGER: zone number or -1",
            "t_start": "INTEGER",
            "t_end": "INTEGER: as in stays, of which these are some",
            "t_first": "INTEGER",
            "lat_e7": "INTEGER: middle of the box around the stay's records",
            "lon_e7": "INTEGER",
        },
        "trips": {
            "d": "INTEGER",
            "person": "opaque person key",
            "origin": "INTEGER: zone number, never -1",
            "destination": "INTEGER: zone number, never -1, never the origin",
            "t_depart": "INTEGER: end of the stay at the origin",
            "t_arrive": "INTEGER: start of the stay at the destination",
            "distance_m": "INTEGER: between the middles of the two stays, metres rounded down",
        },
        "people": {
            "d": "INTEGER",
            "person": "opaque person key; every person with a record in a zone on that date, once",
            "overnight": "INTEGER: overnight zone number or -1 for unknown",
            "hours": "INTEGER: bins of one hour at whose midpoint the person is in a zone",
        },
        "nights": {
            "d": "INTEGER",
            "person": "opaque person key; every person whose place overnight is known, once a date",
            "zone": "INTEGER: the zone where most of the night was spent; -1 for outside the zones",
        },
        "strata": {
            "d": "INTEGER",
            "person": "opaque person key; every person with a record on that date, once",
            "stratum": "INTEGER: number of the person's combination of strata",
        },
        "days": {
            "d": "INTEGER: number of the date (public)",
            "length_s": "INTEGER: seconds in the date (public)",
            "overnight_s": "INTEGER: start of the overnight part (public)",
        },
    }
)
