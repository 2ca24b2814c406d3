"""A whole release with every measured table, strata, categories, day parts and towers."""

from __future__ import annotations

from release_rich import DAILY, with_everything, with_towers
from release_town import Town, bytes_of

from pipelines import plan, read_release, release
from pipelines.spec import load_spec


def test_every_table_and_option_is_planned_released_and_read_back(town: Town) -> None:
    with_everything(town)
    town.edit("report = false", "report = true")
    spec = load_spec(town.spec_file)
    planned = plan(spec)
    assert sorted(planned.tables) == DAILY
    folder = release(spec)
    made = read_release(folder)
    assert set(made["panel"]["age_band"]) == {"young", "old", "unknown"}
    assert set(made["visits"]["category"]) == {"work", "shop", "other"}
    assert set(made["od_flows"]["day_part"]) == {"04-12", "12-20", "20-04"}
    for name in DAILY:
        assert len(made[name]) == sum(one.keys.size for one in planned.of(name))
    for name in ("trips_per_person", "zones_visited", "travel_distance", "stay_put"):
        apart = made[name]["value"].sum() - made["panel"]["value"].sum()
        variance = (made[name]["sd"] ** 2).sum() + (made["panel"]["sd"] ** 2).sum()
        assert abs(apart) < 6 * variance**0.5, "everyone in the panel is in the table, once"
    assert "<html" in (folder / "report.html").read_text(encoding="utf-8")
    first = bytes_of(folder)
    town.drop_data()
    assert bytes_of(release(town.spec())) == first


def test_events_at_towers_are_planned_without_data_and_released(town: Town) -> None:
    with_towers(town)
    spec = load_spec(town.spec_file)
    planned = plan(spec)
    assert not any("events" in line for line in planned.warnings)
    folder = release(spec)
    made = read_release(folder)
    noise = (made["presence"]["sd"] ** 2).sum() ** 0.5
    assert made["presence"]["value"].sum() > 300 * 2 * 5 + 6 * noise, "people are seen at towers"
    towers = town.folder / "towers.csv"
    towers.write_text(towers.read_text(encoding="utf-8") + "t9,0,0\n", encoding="utf-8")
    assert plan(town.spec()).digest != planned.digest
    assert len(plan(town.spec()).new) == len(planned.measurements)
