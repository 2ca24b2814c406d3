"""Declared outages move statuses, cost nothing, and are refused when they cannot be."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from release_town import KnownTotals, Town

from dp.keys import Key, KeySet
from pipelines.errors import SpecError
from pipelines.release.outages import outage_facts, outages_of, outages_text
from pipelines.release.plan import plan
from pipelines.release.read import read_release
from pipelines.release.run import release
from pipelines.release.verify import verify_release
from pipelines.schemas.calendar import Calendar
from pipelines.schemas.outages import DeclaredOutage, Outage, coverage
from pipelines.schemas.towers import Towers, TowerShare

IDS = ("a", "b", "c")
ZONES: Any = SimpleNamespace(ids=IDS, parents=("east", "east", "west"))
PARTS = KeySet((Key("day_part", ("04-10", "10-22", "22-04")), Key("origin", IDS)))
SIZED: Any = type("Zones", (), {"ids": IDS, "parents": ZONES.parents, "__len__": lambda _: 3})()
HOURS = KeySet((Key("bin", tuple(range(24))), Key("zone", IDS)))
PAIRS = KeySet((Key("origin", IDS), Key("destination", IDS)), distinct=(("origin", "destination"),))
NIGHTS = KeySet((Key("overnight", (*IDS, "unknown")), Key("observed_hours", ("0", "12+"))))
DISTRICTS = KeySet((Key("zone", ("east", "west")),))


def _calendar(zone: str = "Asia/Seoul", start: dt.date = dt.date(2026, 3, 2)) -> Calendar:
    return Calendar(time_zone=zone, day_starts=dt.time(4), start=start, days=2)


DAY = _calendar().dates[0]


def _levels(keys: KeySet, *outages: Outage) -> list[int]:
    return coverage(keys, world=_world(outages), day=DAY, bin_s=3600).tolist()


def _world(outages: Iterable[Outage]) -> Any:
    return SimpleNamespace(calendar=_calendar(), zones=SIZED, outages=tuple(outages))


def _dark(zone: str, from_h: float, to_h: float) -> Outage:
    start_s, end_s = (DAY.start_s + int(3600 * h) for h in (from_h, to_h))
    return Outage(zone=zone, start_s=start_s, end_s=end_s)


def test_a_cell_with_bins_is_as_dark_as_its_bin() -> None:
    levels = np.array(_levels(HOURS, _dark("b", 1.5, 3))).reshape(24, 3)
    assert levels[:, 1].tolist() == [0, 1, 2, *[0] * 21]
    assert not levels[:, [0, 2]].any()


def test_a_cell_with_day_parts_is_as_dark_as_its_part() -> None:
    levels = np.array(_levels(PARTS, _dark("b", 6, 18.5))).reshape(3, 3)
    assert levels.tolist() == [[0, 0, 0], [0, 2, 0], [0, 1, 0]]


def test_a_pair_is_as_dark_as_the_darker_end() -> None:
    levels = np.array(_levels(PAIRS, _dark("a", 0, 24), _dark("b", 5, 6))).reshape(3, 3)
    assert levels.tolist() == [[2, 2, 2], [2, 1, 1], [2, 1, 0]]


def test_people_of_an_unknown_overnight_zone_are_in_no_outage() -> None:
    assert _levels(NIGHTS, _dark("a", -9, 99)) == [2, 2, 0, 0, 0, 0, 0, 0]


def test_a_coarser_zone_is_dark_only_when_all_its_zones_are() -> None:
    assert _levels(DISTRICTS, _dark("a", 0, 24)) == [1, 0]
    assert _levels(DISTRICTS, _dark("a", 0, 24), _dark("b", 0, 24)) == [2, 0]


def test_one_key_may_hold_several_levels() -> None:
    keys = KeySet((Key("zone", ("a", "b", "c", "east", "west", "all")),))
    assert _levels(keys, _dark("a", -1, 30), _dark("b", -1, 30)) == [2, 2, 0, 2, 0, 1]


def test_a_key_that_names_no_places_is_in_no_outage() -> None:
    keys = KeySet((Key("category", ("a", "east", "school")), Key("day", ("7",))))
    assert _levels(keys, _dark("a", -1, 30)) == [0, 0, 0]


def test_adjoining_outages_cover_as_one() -> None:
    assert _levels(DISTRICTS, _dark("c", -1, 7), _dark("c", 7, 25)) == [0, 2]


@given(
    st.lists(st.tuples(st.sampled_from(IDS), st.integers(-90, 1500), st.integers(1, 600))),
    st.sampled_from([15, 60, 420]),
)
@settings(max_examples=60, deadline=None)
def test_coverage_agrees_with_counting_minutes(
    rows: list[tuple[str, int, int]], bin_minutes: int
) -> None:
    dark = np.zeros((3, 1440), dtype=bool)
    kept = []
    ends: dict[str, int] = {}
    for zone, start, length in sorted(rows, key=lambda row: row[1]):
        if start >= ends.get(zone, -(10**6)):
            ends[zone] = start + length
            kept.append(_dark(zone, start / 60, (start + length) / 60))
            dark[IDS.index(zone), max(start, 0) : max(start + length, 0)] = True
    bins = max(1, 1440 // bin_minutes)
    keys = KeySet((Key("bin", tuple(range(bins))), Key("zone", IDS)))
    found = coverage(keys, world=_world(kept), day=DAY, bin_s=60 * bin_minutes)
    edges = [*range(0, bins * bin_minutes, bin_minutes), 1440]
    for at, level in enumerate(found.tolist()):
        slot, zone = divmod(at, 3)
        part = dark[zone, edges[slot] : edges[slot + 1]]
        assert level == (2 if part.all() else 1 if part.any() else 0)
    some = np.arange(0, keys.size, 5)
    thin = coverage(keys, world=_world(kept), day=DAY, bin_s=60 * bin_minutes, cells=some)
    assert thin.tolist() == found[some].tolist()


def _resolved(*rows: tuple[str, str, str], zone: str = "Asia/Seoul") -> tuple[Outage, ...]:
    declared = [
        DeclaredOutage(zone=row[0], start=row[1], end=row[2], place=f"outages.csv, line {i}")
        for i, row in enumerate(rows, start=2)
    ]
    return outages_of(declared, calendar=_calendar(zone), zones=SIZED)


def test_times_are_local_or_carry_an_offset() -> None:
    local = _resolved(("b", "2026-03-02T04:00", "2026-03-02 05:30:00"))
    assert local == (Outage(zone="b", start_s=DAY.start_s, end_s=DAY.start_s + 5400),)
    assert local == _resolved(("b", "2026-03-01T19:00Z", "2026-03-02T05:30+09:00"))


def test_a_star_is_every_zone_and_rows_beyond_the_dates_are_left_out() -> None:
    found = _resolved(
        ("*", "2026-03-03T00:00", "2026-03-03T01:00"), ("a", "2026-04-01T00:00", "2026-04-02T00:00")
    )
    assert [one.zone for one in found] == list(IDS)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("A", "2026-03-02T04:00", "2026-03-02T05:00")], 'line 2: "A" is no zone. Did you mean'),
        ([("a", "2026-03-02T05:00", "2026-03-02T04:00")], "to must be later than from"),
        ([("a", "2026-03-02T05:00", "2026-03-02T05:00")], "to must be later than from"),
        ([("a", "2026-03-02", "2026-03-03T05:00")], "is no time. Write it as"),
        ([("a", "yesterday", "2026-03-03T05:00")], "is no time. Write it as"),
        (
            [
                ("a", "2026-03-02T05:00", "2026-03-02T08:00"),
                ("*", "2026-03-02T07:59", "2026-03-02T09:00"),
            ],
            'line 3: overlaps line 2 in zone "a"',
        ),
    ],
)
def test_what_cannot_be_is_refused(rows: list[tuple[str, str, str]], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        _resolved(*rows)
    assert words in str(caught.value)


@pytest.mark.parametrize("local", ["2026-11-01T01:30", "2026-03-08T02:30"])
def test_a_local_time_of_a_clock_change_needs_its_offset(local: str) -> None:
    with pytest.raises(SpecError, match=r"occurs twice or never .* Write the offset"):
        _resolved(("a", local, "2026-12-01T00:00"), zone="America/New_York")


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        _resolved(("x", "1", "2"), ("a", "3", "4"))
    assert len(str(caught.value).splitlines()) == 2


def _declare(town: Town, rows: str) -> None:
    (town.folder / "outages.csv").write_text(f"zone,from,to\n{rows}", encoding="utf-8")
    if "[outages]" not in town.spec_file.read_text(encoding="utf-8"):
        town.edit("[people]", '[outages]\nfile = "outages.csv"\n\n[people]')


def _first_zone(town: Town) -> str:
    return plan(town.spec()).world.zones.ids[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        (
            "zone,start,end\n",
            "line 1: the columns cannot be read. Write the header line: zone,from",
        ),
        ("from,to,tower\n", "or tower,from,to or zone,tower,from,to"),
        ("tower,from,to\n,2026-03-02T09:00,2026-03-02T10:00\n", "line 2: a row has a tower, a"),
        ("tower,from,to\na,2026-03-02T09:00\n", "line 2: a row has a tower, a start and an end"),
        (
            "zone,tower,from,to\na,t,2026-03-02T09:00,2026-03-02T10:00\n",
            "line 2: a row has a zone or a tower, not both",
        ),
        ("zone,from,to\na,2026-03-02T09:00\n", "line 2: a row has a zone, a start and an end"),
    ],
)
def test_a_file_of_another_form_is_refused(town: Town, text: str, words: str) -> None:
    (town.folder / "outages.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        town.edit("[people]", '[outages]\nfile = "outages.csv"\n\n[people]')
    assert words in str(caught.value)


def test_an_outage_changes_the_release_and_never_the_charge(town: Town) -> None:
    before = plan(town.spec())
    zone = before.world.zones.ids[0]
    _declare(town, f"{zone},2026-03-02T04:00,2026-03-03T04:00\n")
    after = plan(town.spec())
    assert after.digest != before.digest
    assert [m.charge.key for m in after.measurements] == [m.charge.key for m in before.measurements]
    _declare(town, f"{zone},2026-03-02T04:00,2026-03-03T05:00\n")
    assert plan(town.spec()).digest not in {before.digest, after.digest}


def test_a_later_outage_leaves_an_earlier_release_as_it_is(town: Town) -> None:
    zone = _first_zone(town)
    _declare(town, f"{zone},2026-03-02T04:00,2026-03-03T04:00\n")
    before = plan(town.spec()).digest
    _declare(
        town,
        f"{zone},2026-03-02T04:00,2026-03-03T04:00\n{zone},2026-05-01T00:00,2026-05-02T00:00\n",
    )
    assert plan(town.spec()).digest == before


def test_outages_declared_afterwards_cost_nothing_and_keep_every_value(
    town: Town, counted: list[KnownTotals]
) -> None:
    first = release(town.spec())
    spent, zone = town.spent(), _first_zone(town)
    _declare(town, f"{zone},2026-03-02T04:00,2026-03-02T16:30\n")
    second = release(town.spec())
    assert second.name != first.name
    assert town.spent() == spent
    assert len(counted) == 1
    assert verify_release(second, ledger=town.ledger) == []
    old, new = read_release(first), read_release(second)
    for table in old:
        same = [name for name in old[table].columns if name != "status"]
        assert old[table][same].equals(new[table][same])
    hours = new["presence"]
    ours = hours[(hours["zone"] == zone) & (hours["date"] == "2026-03-02")]
    assert ours["status"].astype(str).tolist()[:13] == ["no_data"] * 12 + ["partial"]
    assert not ours["status"].isin(["no_data", "partial"])[13:].any()
    others = hours[(hours["zone"] != zone) | (hours["date"] != "2026-03-02")]
    assert not others["status"].isin(["no_data", "partial"]).any()
    flows = new["od_flows"]
    same_zone = flows["origin"].astype(str) == flows["destination"].astype(str)
    assert set(flows.loc[same_zone, "status"]) == {"structural_zero"}
    met = (flows["origin"] == zone) | (flows["destination"] == zone)
    today = flows["date"] == "2026-03-02"
    assert set(flows.loc[met & today & ~same_zone, "status"]) == {"partial"}


def test_a_release_with_outages_says_so_in_every_document(
    town: Town, counted: list[KnownTotals]
) -> None:
    zone = _first_zone(town)
    _declare(town, f"{zone},2026-03-02T04:00,2026-03-02T16:30\n")
    folder: Path = release(town.spec())
    row = f'"{zone}",2026-03-02T04:00:00+09:00,2026-03-02T16:30:00+09:00'
    assert (folder / "outages.csv").read_text(encoding="utf-8") == f"zone,from,to\n{row}\n"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["outages"] == [
        {"zone": zone, "from": "2026-03-02T04:00:00+09:00", "to": "2026-03-02T16:30:00+09:00"}
    ]
    assert manifest["spec"]["outages"] is True
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "| `partial` | partly inside a declared outage" in readme
    assert "Outages are declared (`outages.csv`), never found from the records." in readme
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert "partial" in package["statuses"]
    assert "outages.csv" in [one["path"] for one in package["resources"]]
    assert counted


def _share(tower: str, zone: int, *, first: int = 2, last: int = 3) -> TowerShare:
    dates = (dt.date(2026, 3, first), dt.date(2026, 3, last))
    return TowerShare(tower, *dates, zone, 0, 2**16, 0, 0)


def _by_tower(
    *rows: tuple[str, str, str], shares: Iterable[TowerShare], alone: bool = True
) -> list[tuple[str, int, int, bool]]:
    """Outages of towers as (zone, first hour, last hour, part), hours since the first date."""
    table = Towers("sources[0]", "voronoi", tuple(shares), frozenset(s.tower for s in shares))
    declared = [
        DeclaredOutage(zone="", tower=tower, start=start, end=end, place=f"o.csv, line {i}")
        for i, (tower, start, end) in enumerate(rows, start=2)
    ]
    found = outages_of(declared, calendar=_calendar(), zones=SIZED, towers=[table], alone=alone)
    start = DAY.start_s
    return [(o.zone, (o.start_s - start) // 3600, (o.end_s - start) // 3600, o.part) for o in found]


NINE, NOON, SIX = "2026-03-02T09:00", "2026-03-02T12:00", "2026-03-02T18:00"


def test_a_zone_is_dark_while_all_its_towers_are_and_dim_while_some_are() -> None:
    shares = [_share("t", 0), _share("u", 0), _share("u", 1)]
    assert _by_tower(("t", NINE, SIX), shares=shares) == [("a", 5, 14, True)]
    both = _by_tower(("t", NINE, SIX), ("u", NOON, SIX), shares=shares)
    assert both == [("a", 5, 8, True), ("a", 8, 14, False), ("b", 8, 14, False)]


def test_other_sources_keep_a_zone_from_being_dark() -> None:
    assert _by_tower(("t", NINE, SIX), shares=[_share("t", 0)], alone=False) == [("a", 5, 14, True)]


def test_the_towers_are_those_of_the_date() -> None:
    shares = [_share("t", 0, last=2), _share("u", 0, first=3), _share("u", 2, first=3)]
    night = ("2026-03-02T20:00", "2026-03-03T10:00")
    assert _by_tower(("t", *night), shares=shares) == [("a", 16, 24, False)]
    assert _by_tower(("u", *night), shares=shares) == [("a", 24, 30, False), ("c", 24, 30, False)]
    assert _by_tower(("t", *night), ("u", *night), shares=shares)[0] == ("a", 16, 30, False)


def test_a_dim_zone_is_partial_and_a_dark_one_is_no_data() -> None:
    dim = Outage(zone="a", start_s=DAY.start_s, end_s=DAY.end_s, part=True)
    assert _levels(DISTRICTS, dim) == [1, 0]
    hours = np.array(_levels(HOURS, dim, _dark("a", 2, 4))).reshape(24, 3)
    assert hours[:, 0].tolist() == [1, 1, 2, 2, *[1] * 20]


@given(
    st.lists(st.tuples(st.sampled_from("tuv"), st.integers(0, 47), st.integers(1, 30)), max_size=6),
    st.lists(st.tuples(st.sampled_from("tuv"), st.integers(0, 2), st.booleans()), min_size=1),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_outages_of_towers_agree_with_counting_hours(
    spans: list[tuple[str, int, int]], placed: list[tuple[str, int, bool]], alone: bool
) -> None:
    def stamp(hour: int) -> str:
        first = dt.datetime.fromisoformat("2026-03-02T04:00")
        return (first + dt.timedelta(hours=hour)).isoformat()

    out: dict[str, set[int]] = {}
    rows = []
    for tower, start, length in spans:
        hours = set(range(start, start + length))
        if not hours & out.get(tower, set()):
            out[tower] = out.get(tower, set()) | hours
            rows.append((tower, stamp(start), stamp(start + length)))
    shares = [_share(t, z, first=3 if late else 2) for t, z, late in placed]
    rows = [row for row in rows if row[0] in {s.tower for s in shares}]
    found = _by_tower(*rows, shares=shares, alone=alone)
    for hour in range(48):
        for number, zone in enumerate(IDS):
            serving = {
                s.tower for s in shares if s.zone == number and s.first.day - 2 <= hour // 24
            }
            dark = {tower for tower in serving if hour in out.get(tower, ())}
            level = 0 if not dark else 2 if dark == serving and alone else 1
            met = [1 if part else 2 for z, a, b, part in found if z == zone and a <= hour < b]
            assert max(met, default=0) == level


def test_a_tower_that_nobody_knows_is_refused_and_one_of_other_dates_is_not() -> None:
    with pytest.raises(SpecError, match='line 2: "x" is no tower'):
        _by_tower(("x", NINE, SIX), shares=[_share("t", 0)])
    declared = DeclaredOutage(zone="", tower="t", start=NINE, end=SIX, place="o.csv, line 2")
    with pytest.raises(SpecError, match="no source has towers"):
        outages_of([declared], calendar=_calendar(), zones=SIZED)
    later = Towers("sources[0]", "voronoi", (), frozenset({"t"}))
    assert outages_of([declared], calendar=_calendar(), zones=SIZED, towers=[later]) == ()
    with pytest.raises(SpecError, match='overlaps line 2 in tower "t"'):
        _by_tower(("t", NINE, SIX), ("t", NOON, SIX), shares=[_share("t", 0)])


def test_a_release_tells_which_zones_kept_a_part_of_their_service() -> None:
    world = _world([_dark("a", 1, 2), Outage(zone="b", start_s=0, end_s=9, part=True)])
    assert [fact["extent"] for fact in outage_facts(world)] == ["whole", "part"]
    assert outages_text(world).splitlines()[0] == "zone,from,to,extent"
    assert outages_text(_world([_dark("a", 1, 2)])).splitlines()[0] == "zone,from,to"
