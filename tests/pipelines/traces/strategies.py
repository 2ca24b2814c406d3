"""Random records and parameters, drawn so that ties, odd gaps and overlaps are common."""

from __future__ import annotations

from harness import spot
from hypothesis import strategies as st
from reference import Record

from pipelines.schemas.traces import TraceParams


@st.composite
def records(draw: st.DrawFn, *, spans: bool) -> list[Record]:
    """A few people's records, drawn so that ties, odd gaps and overlaps are common."""
    steps = st.sampled_from([0, 0, 1, 59, 600, 1201, 3599, 3600, 7200, 7201, 9000, 28_800, 28_801])
    found = []
    for person in draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True)):
        d, t = draw(st.integers(0, 2)), draw(st.sampled_from([0, 1, 3600, 50_000]))
        end = 23 * 3600
        for _ in range(draw(st.integers(1, 12))):
            zone = draw(st.sampled_from([-1, 0, 0, 1, 2, 3]))
            length = draw(steps) if spans and draw(st.booleans()) else 0
            said = spans and draw(st.booleans())
            t2, where = min(t + length, end), spot(zone, draw(st.sampled_from([0, 300, 700])))
            found.append(Record(t, zone, t2, person, d, **where, declared=said))
            t = min(t + draw(steps), end - 1)
    return draw(st.permutations(found + found[: draw(st.integers(0, 3))]))


@st.composite
def parameters(draw: st.DrawFn) -> TraceParams:
    return TraceParams(
        same_zone_gap_minutes=draw(st.sampled_from([1, 60, 120, 1440])),
        overnight_gap_minutes=draw(st.sampled_from([1, 60, 480])),
        move_gap_minutes=draw(st.sampled_from([0, 1, 60, 720])),
        min_dwell_minutes=draw(st.sampled_from([0, 20, 60])),
        min_trip_m=draw(st.sampled_from([0, 500, 1200, 50_000])),
        min_overnight_minutes=draw(st.sampled_from([1, 120])),
    )
