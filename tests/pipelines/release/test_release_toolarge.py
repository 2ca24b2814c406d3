"""A key set too large to enumerate is refused with ways out, and their numbers hold."""

from __future__ import annotations

import re
from fractions import Fraction

import geopandas as gpd
import numpy as np
import pytest
import shapely
from release_town import Town

from dp.keys import Key, KeySet
from pipelines.errors import SpecError
from pipelines.release import plan as planning
from pipelines.release.plan import plan
from pipelines.release.toolarge import MAX_CELLS, zones_that_fit
from pipelines.schemas.zones import ZoneSet


def many(zones: int, parents: int = 0) -> ZoneSet:
    """Return so many unit squares in a row."""
    ids = tuple(f"z{i:06d}" for i in range(zones))
    x = np.arange(zones) * 0.001
    return ZoneSet(
        ids=ids,
        names=("",) * zones,
        parents=tuple(f"p{i % parents}" if parents else "" for i in range(zones)),
        population=(None,) * zones,
        frame=gpd.GeoDataFrame(
            {"zone": ids}, geometry=shapely.box(x, 0, x + 0.001, 0.001), crs="EPSG:4326"
        ),
        lookup=None,  # type: ignore[arg-type]  # a plan places no point
        origin="many",
    )


def refused(town: Town, zones: int, parents: int = 0) -> str:
    spec = town.spec()
    with pytest.raises(SpecError) as said:
        plan(spec, zones=many(zones, parents))
    return str(said.value)


def test_the_refusal_names_cells_time_and_the_zones_that_fit(town: Town) -> None:
    said = refused(town, 4000)
    assert said.startswith("od_flows: 4,000 zones give 16,000,000 cells a date, more than 10,000")
    assert "about 3 minutes of one core for every date" in said
    assert "Use coarser zones: 3,162 zones or fewer fit" in said
    assert "parents" not in said


def test_so_many_zones_are_then_planned(town: Town) -> None:
    spec = town.spec()
    assert plan(spec, zones=many(3162)).of("od_flows")[0].keys.size == 3162**2
    assert MAX_CELLS < 3163**2


def test_parents_are_counted(town: Town) -> None:
    assert "The 17 parents as the zones give 289 cells, which fit" in refused(town, 4000, 17)
    said = refused(town, 4000, 3900)
    assert "The 3,900 parents as the zones give 15,210,000 cells, which are still too many" in said


def test_more_cells_than_can_be_numbered_get_the_same_answer(town: Town) -> None:
    said = refused(town, 70_000)
    assert said.startswith("od_flows: 70,000 zones give 4,900,000,000 cells a date")
    assert "about 14 hours of one core" in said
    assert "3,162 zones or fewer fit" in said


def test_the_threshold_and_its_delta_are_named(town: Town) -> None:
    policy = plan(town.spec()).policy
    assert policy.cap.delta == 0
    said = refused(town, 4000)
    found = re.search(r"only cells of ([\d,]+) trips or more.* at a delta of (\S+) a date", said)
    assert found is not None
    wanted = Fraction(1, 100 * policy.population * (policy.unit.window_days or 1))
    assert float(wanted) / 2 < float(found[2]) <= float(wanted) * 1.05  # two digits are printed
    # cap 4 at 7/20 of 1/60: a noise of sd 18.5, and a tail of about 1e-8 lies 5.6 sd out
    assert 80 < int(found[1]) < 130
    assert "a cap_delta of 1 in 100 times the population's" in said


def test_the_policy_s_delta_is_used_where_it_has_one(town: Town) -> None:
    before = refused(town, 4000)
    town.edit_policy("cap_rho", 'cap_delta = "1/10000"\ncap_rho')
    town.create_ledger()
    said = refused(town, 4000)
    assert "(the policy's)" in said
    least = [int(re.search(r"only cells of (\d+)", text)[1]) for text in (before, said)]  # type: ignore[index]
    assert least[1] < least[0]


@pytest.mark.parametrize(
    ("zones", "old", "expected"),
    [
        (8000, "grid = { cell_m = 500", "a cell_m of about 800"),
        (8000, "h3 = { resolution = 9", "an H3 resolution of 8"),
        (30_000, "h3 = { resolution = 9", "an H3 resolution of 7"),
    ],
)
def test_grids_and_hexagons_are_told_the_size_that_fits(
    town: Town, zones: int, old: str, expected: str
) -> None:
    text = town.spec_file.read_text(encoding="utf-8")
    section = re.search(r"\[zones\]\n(?:.+\n)+", text)
    assert section is not None
    file = re.search(r'file = "(.+)"', section[0])
    assert file is not None
    town.edit(section[0], f'[zones]\n{old}, boundary = "{file[1]}" }}\n')
    assert expected in refused(town, zones)


@pytest.mark.parametrize("most", [10, 99, 100, 5000, 10**7])
def test_zones_that_fit_is_the_most_that_fit(most: int) -> None:
    ids = [f"z{i}" for i in range(300)]

    def keys(zones: int) -> tuple[Key, ...]:
        own = tuple(ids[:zones])
        return (Key("overnight", (*own, "unknown")), Key("zone", own), Key("bin", (1, 2, 3)))

    fit = zones_that_fit(keys(300), zones=ids, most=most)
    assert fit == 0 or KeySet(keys(fit)).size <= most
    assert fit == 300 or KeySet(keys(fit + 1)).size > most


def test_long_draws_are_warned_about(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = town.spec()
    assert not any("minutes of one core" in line for line in plan(spec).warnings)
    zones = many(2500)
    assert any(
        re.match(r"noise for 1\d,\d{3},\d{3} cells takes about 3 minutes of one core", line)
        for line in plan(spec, zones=zones).warnings
    )
    monkeypatch.setattr(planning, "MAX_CELLS", 20)
    with pytest.raises(SpecError, match="panel: 6 zones give 35 cells"):
        plan(spec)
